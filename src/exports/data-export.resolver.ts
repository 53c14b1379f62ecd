import { Ctx, Field, Mutation, ObjectType, Resolver } from 'type-graphql';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import type { RequestContext } from '../platform/graphql/context.js';
import type { DataExportService } from './data-export.service.js';

@ObjectType({ description: 'A link to the export of your data.' })
class DataExport {
  @Field(() => String, { description: 'Open it with GET. It works once and needs no access token.' })
  url!: string;

  @Field(() => Date, { description: 'When the link expires.' })
  expiresAt!: Date;
}

@Resolver()
export class DataExportResolver {
  constructor(private readonly exports: DataExportService) {}

  @Mutation(() => DataExport, {
    description: 'A link to everything that is stored about you, as JSON lines. It works once, within 10 minutes.',
  })
  async requestDataExport(@SignedIn() viewer: Viewer, @Ctx() { em, origin }: RequestContext): Promise<DataExport> {
    const { token, expiresAt } = await this.exports.request(em, viewer);
    return { url: `${origin.baseUrl}/exports/${token}`, expiresAt };
  }
}
