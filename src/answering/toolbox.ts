import type { CatalogueTools } from '../catalogue/catalogue-tools.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { ToolRunner } from '../platform/tools/tool-runner.js';
import type { Tool } from '../platform/tools/tool.js';

/** The tools that an answer may use. */
export class Toolbox {
  /** @param listOperatorTools those of TOOLS_FILE at this moment */
  constructor(
    private readonly catalogue: CatalogueTools,
    private readonly listOperatorTools: () => readonly Tool[],
    readonly runner: ToolRunner,
  ) {}

  /** Returns the tools to offer, those of the catalogue only if it has products. Each name occurs once. */
  async list(em: EntityManager): Promise<{ tools: readonly Tool[]; hasProducts: boolean }> {
    const hasProducts = !(await this.catalogue.isEmpty(em));
    const all = [...(hasProducts ? this.catalogue.tools : []), ...this.listOperatorTools()];
    const tools = all.filter(({ name }, i) => all.findIndex((other) => other.name === name) === i);
    return { tools, hasProducts };
  }

  /** Returns what a model that cannot call tools is told: the products that suit the question. Empty if there are none. */
  async describeProducts(em: EntityManager, question: string, interests: readonly string[]): Promise<string> {
    return await this.catalogue.describeProducts(em, question, interests);
  }
}
