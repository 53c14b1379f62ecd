import type { CatalogueTools } from '../catalogue/catalogue-tools.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { Tool } from '../platform/tools/tool.js';

/** The tools that an answer may use. */
export class Toolbox {
  /** @param operatorTools those of TOOLS_FILE */
  constructor(
    private readonly catalogue: CatalogueTools,
    private readonly operatorTools: readonly Tool[] = [],
  ) {}

  /** Returns the tools to offer: those of the catalogue only if it has products. */
  async list(em: EntityManager): Promise<readonly Tool[]> {
    const own = (await this.catalogue.isEmpty(em)) ? [] : this.catalogue.tools;
    return [...own, ...this.operatorTools];
  }

  /** Returns what a model that cannot call tools is told: the products that suit the question. Empty if there are none. */
  async describeProducts(em: EntityManager, question: string, interests: readonly string[]): Promise<string> {
    return await this.catalogue.describeProducts(em, question, interests);
  }
}
