import { Arg, Ctx, FieldResolver, Float, Int, Query, Resolver, Root } from 'type-graphql';
import { assertAdmin } from '../auth/permissions.js';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import { SaleStatus } from '../conversations/conversation-metadata.js';
import type { UsageService, UsageTotals } from '../usage/usage.service.js';
import { BadUserInputError } from '../platform/errors/api-error.js';
import type { RequestContext } from '../platform/graphql/context.js';
import {
  ReportScope,
  SalesDay,
  SalesReport,
  SaleStatusCount,
  ShownProductCount,
  TermCount,
  UsageDay,
  UsageReport,
  UserUsage,
} from './report.types.js';
import type { SalesReportService, TermList } from './sales-report.service.js';

const SCOPE = 'Whose data to include.';
const FROM = 'Start of the range, inclusive. By default, there is no start.';
const TO = 'End of the range, exclusive. By default, there is no end.';
const FIRST = 'Return the n most frequent terms (1–100).';

@Resolver()
export class ReportsResolver {
  constructor(private readonly usageService: UsageService) {}

  @Query(() => UsageReport, {
    description:
      'Tokens used for answers, titles and memory updates, as reported by the provider. `EVERYONE` requires the ADMIN role.',
  })
  async usage(
    @Arg('scope', () => ReportScope, { defaultValue: ReportScope.MINE, description: SCOPE }) scope: ReportScope,
    @Arg('from', () => Date, { nullable: true, description: FROM }) from: Date | null,
    @Arg('to', () => Date, { nullable: true, description: TO }) to: Date | null,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<UsageReport> {
    const range = { ownerId: getOwnerId(scope, viewer), from: from ?? null, to: to ?? null };
    return new UsageReport(range, toUsage(await this.usageService.getTotals(em, range)));
  }

  @Query(() => SalesReport, {
    description: 'Statistics over the metadata of conversations. `EVERYONE` requires the ADMIN role.',
  })
  salesReport(
    @Arg('scope', () => ReportScope, { defaultValue: ReportScope.MINE, description: SCOPE }) scope: ReportScope,
    @Arg('from', () => Date, { nullable: true, description: FROM }) from: Date | null,
    @Arg('to', () => Date, { nullable: true, description: TO }) to: Date | null,
    @SignedIn() viewer: Viewer,
  ): SalesReport {
    return new SalesReport({ ownerId: getOwnerId(scope, viewer), from: from ?? null, to: to ?? null });
  }
}

/**
 * Returns the user whose data a report includes, or null for all users.
 * @throws ForbiddenError if the viewer may not see the data of all users
 */
function getOwnerId(scope: ReportScope, viewer: Viewer): string | null {
  if (scope === ReportScope.MINE) return viewer.userId;
  assertAdmin(viewer, '`scope: EVERYONE`');
  return null;
}

const MAX_USERS = 100;

/** Resolves the fields of a report of tokens. */
@Resolver(() => UsageReport)
export class UsageReportResolver {
  constructor(private readonly usageService: UsageService) {}

  @FieldResolver(() => [UsageDay], { description: 'Tokens of each UTC day; days without calls are omitted.' })
  async daily(@Root() { range }: UsageReport, @Ctx() { em }: RequestContext): Promise<UsageDay[]> {
    const days = await this.usageService.getDailyTotals(em, range);
    return days.map(({ day, ...totals }) => ({ day, ...toUsage(totals) }));
  }

  @FieldResolver(() => [UserUsage], { description: 'The users with the most tokens, in this order.' })
  async byUser(
    @Root() { range }: UsageReport,
    @Arg('first', () => Int, { defaultValue: 10, description: `Return the first n users (1–${MAX_USERS}).` })
    first: number,
    @Ctx() { em }: RequestContext,
  ): Promise<UserUsage[]> {
    if (first < 1 || first > MAX_USERS) throw new BadUserInputError({ first: `Must be between 1 and ${MAX_USERS}.` });
    const users = await this.usageService.getTopUsers(em, range, first);
    return users.map(({ user, ...totals }) => ({ user, ...toUsage(totals) }));
  }
}

const toUsage = ({ answers, ...tokens }: UsageTotals): Pick<UsageReport, 'answers' | 'usage'> => ({
  answers,
  usage: { ...tokens, totalTokens: tokens.promptTokens + tokens.completionTokens },
});

/** Resolves the fields of a sales report. Each field is one query, so fields that are not selected cost nothing. */
@Resolver(() => SalesReport)
export class SalesReportResolver {
  constructor(private readonly reports: SalesReportService) {}

  @FieldResolver(() => Int, { description: 'Number of conversations last active in the range.' })
  conversations(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<number> {
    return this.reports.count(em, range);
  }

  @FieldResolver(() => [SaleStatusCount], {
    description: 'Number of conversations by status; statuses without conversations are omitted.',
  })
  byStatus(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<SaleStatusCount[]> {
    return this.reports.countByStatus(em, range);
  }

  @FieldResolver(() => Float, {
    nullable: true,
    description: 'CLOSED ÷ (CLOSED + LOST), 0 to 1; null if there are neither.',
  })
  async winRate(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<number | null> {
    const counts = new Map((await this.reports.countByStatus(em, range)).map(({ status, count }) => [status, count]));
    const [closed, lost] = [counts.get(SaleStatus.CLOSED) ?? 0, counts.get(SaleStatus.LOST) ?? 0];
    return closed + lost === 0 ? null : closed / (closed + lost);
  }

  @FieldResolver(() => [TermCount], { description: 'The most frequent interests of customers.' })
  topInterests(
    @Root() report: SalesReport,
    @Arg('first', () => Int, { defaultValue: 10, description: FIRST }) first: number,
    @Ctx() context: RequestContext,
  ): Promise<TermCount[]> {
    return this.#findTopTerms(context, report, 'interests', first);
  }

  @FieldResolver(() => [TermCount], { description: 'The products offered most often.' })
  topOfferedProducts(
    @Root() report: SalesReport,
    @Arg('first', () => Int, { defaultValue: 10, description: FIRST }) first: number,
    @Ctx() context: RequestContext,
  ): Promise<TermCount[]> {
    return this.#findTopTerms(context, report, 'offeredProducts', first);
  }

  @FieldResolver(() => [TermCount], { description: 'The products rejected most often.' })
  topRejectedProducts(
    @Root() report: SalesReport,
    @Arg('first', () => Int, { defaultValue: 10, description: FIRST }) first: number,
    @Ctx() context: RequestContext,
  ): Promise<TermCount[]> {
    return this.#findTopTerms(context, report, 'rejectedProducts', first);
  }

  @FieldResolver(() => [ShownProductCount], { description: 'The products of the catalogue shown most often.' })
  topShownProducts(
    @Root() { range }: SalesReport,
    @Arg('first', () => Int, { defaultValue: 10, description: 'Return the n most frequent products (1–100).' })
    first: number,
    @Ctx() { em }: RequestContext,
  ): Promise<ShownProductCount[]> {
    assertCount(first);
    return this.reports.findTopShownProducts(em, range, first);
  }

  @FieldResolver(() => Int, {
    description: 'Number of prices in answers that nothing which the model was given confirms.',
  })
  unverifiedClaims(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<number> {
    return this.reports.countUnverifiedClaims(em, range);
  }

  @FieldResolver(() => [SalesDay], {
    description: 'Conversations by status for each UTC day of last activity; days without conversations are omitted.',
  })
  daily(@Root() { range }: SalesReport, @Ctx() { em }: RequestContext): Promise<SalesDay[]> {
    return this.reports.countByDay(em, range);
  }

  #findTopTerms({ em }: RequestContext, { range }: SalesReport, list: TermList, first: number): Promise<TermCount[]> {
    assertCount(first);
    return this.reports.findTopTerms(em, range, list, first);
  }
}

function assertCount(first: number): void {
  if (first < 1 || first > 100) throw new BadUserInputError({ first: 'Must be between 1 and 100.' });
}
