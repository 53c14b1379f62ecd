import { Arg, Ctx, FieldResolver, Float, Int, Query, Resolver, Root } from 'type-graphql';
import { Role } from '../auth/role.js';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import { SaleStatus } from '../conversations/conversation-metadata.js';
import type { UsageService } from '../memory/usage.service.js';
import { BadUserInputError, ForbiddenError } from '../platform/errors/api-error.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { ReportScope, SalesDay, SalesReport, SaleStatusCount, TermCount, UsageReport } from './report.types.js';
import type { SalesReportService, TermList } from './sales-report.service.js';

const FROM = 'From this instant on; left out, from the beginning.';
const TO = 'Before this instant; left out, until now.';
const FIRST = 'The most frequent so many, 1 to 100.';

@Resolver()
export class ReportsResolver {
  constructor(private readonly service: UsageService) {}

  @Query(() => UsageReport, {
    description: 'Tokens that your answers, titles and memory updates have cost, as the provider reported them.',
  })
  async usage(
    @Arg('from', () => Date, { nullable: true, description: FROM }) from: Date | null,
    @Arg('to', () => Date, { nullable: true, description: TO }) to: Date | null,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<UsageReport> {
    const { answers, ...tokens } = await this.service.total(em, viewer.userId, from ?? null, to ?? null);
    return { answers, usage: { ...tokens, totalTokens: tokens.promptTokens + tokens.completionTokens } };
  }

  @Query(() => SalesReport, {
    description: "What the conversations' metadata adds up to. `EVERYONE` needs the ADMIN role.",
  })
  salesReport(
    @Arg('scope', () => ReportScope, { defaultValue: ReportScope.MINE, description: 'Whose conversations.' })
    scope: ReportScope,
    @Arg('from', () => Date, { nullable: true, description: FROM }) from: Date | null,
    @Arg('to', () => Date, { nullable: true, description: TO }) to: Date | null,
    @SignedIn() viewer: Viewer,
  ): SalesReport {
    const everyone = scope === ReportScope.EVERYONE;
    if (everyone && (viewer.role as Role) !== Role.ADMIN)
      throw new ForbiddenError('The report over everyone is for admins.');
    return new SalesReport({ ownerId: everyone ? null : viewer.userId, from: from ?? null, to: to ?? null });
  }
}

/** A report's fields, each a query of its own. */
@Resolver(() => SalesReport)
export class SalesReportResolver {
  constructor(private readonly reports: SalesReportService) {}

  @FieldResolver(() => Int, { description: 'Conversations last active in the range.' })
  conversations(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<number> {
    return this.reports.count(em, range);
  }

  @FieldResolver(() => [SaleStatusCount], {
    description: 'How many have each status; those that none has are left out.',
  })
  byStatus(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<SaleStatusCount[]> {
    return this.reports.byStatus(em, range);
  }

  @FieldResolver(() => Float, {
    nullable: true,
    description: 'CLOSED ÷ (CLOSED + LOST), 0 to 1; null while there is neither.',
  })
  async winRate(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<number | null> {
    const counts = new Map((await this.reports.byStatus(em, range)).map(({ status, count }) => [status, count]));
    const [closed, lost] = [counts.get(SaleStatus.CLOSED) ?? 0, counts.get(SaleStatus.LOST) ?? 0];
    return closed + lost === 0 ? null : closed / (closed + lost);
  }

  @FieldResolver(() => [TermCount], { description: 'What customers care about most.' })
  topInterests(
    @Root() report: SalesReport,
    @Arg('first', () => Int, { defaultValue: 10, description: FIRST }) first: number,
    @Ctx() context: RequestContext,
  ): Promise<TermCount[]> {
    return this.#top(context, report, 'interests', first);
  }

  @FieldResolver(() => [TermCount], { description: 'What is offered most.' })
  topOfferedProducts(
    @Root() report: SalesReport,
    @Arg('first', () => Int, { defaultValue: 10, description: FIRST }) first: number,
    @Ctx() context: RequestContext,
  ): Promise<TermCount[]> {
    return this.#top(context, report, 'offeredProducts', first);
  }

  @FieldResolver(() => [TermCount], { description: 'What is turned down most.' })
  topRejectedProducts(
    @Root() report: SalesReport,
    @Arg('first', () => Int, { defaultValue: 10, description: FIRST }) first: number,
    @Ctx() context: RequestContext,
  ): Promise<TermCount[]> {
    return this.#top(context, report, 'rejectedProducts', first);
  }

  @FieldResolver(() => [SalesDay], {
    description: 'Conversations per UTC day of last activity, by status; days without any are left out.',
  })
  daily(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<SalesDay[]> {
    return this.reports.daily(em, range);
  }

  #top({ em }: RequestContext, { range }: SalesReport, list: TermList, first: number): Promise<TermCount[]> {
    if (first < 1 || first > 100) throw new BadUserInputError({ first: 'Give 1 to 100.' });
    return this.reports.topTerms(em, range, list, first);
  }
}
