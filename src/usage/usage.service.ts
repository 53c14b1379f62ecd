import { User } from '../auth/user.entity.js';
import type { EntityManager } from '../platform/db/orm.js';
import { newId } from '../platform/db/ids.js';
import { PreparedQuery } from '../platform/db/prepared-query.js';
import { sql } from '../platform/db/sql.js';
import { inTransaction } from '../platform/db/transaction.js';
import { ModelError } from '../platform/model/chat-model.js';
import { countTokens } from '../platform/model/tokens.js';
import { ModelCallPurpose } from './model-call.entity.js';
import type { TokenCount, TokenLedger } from './token-ledger.js';

/** The tokens of a provider call. */
export interface Cost extends TokenCount {
  /** Whether Parley counted the tokens itself because the provider sent no usage. */
  estimated: boolean;
}

export interface UsageTotals extends Cost {
  /** The number of answers; titles and memory updates are not included. */
  answers: number;
}

/** The calls to count: of a user, or with null of all users, in the half-open range [`from`, `to`); null leaves a bound open. */
export interface UsageRange {
  ownerId: string | null;
  from: Date | null;
  to: Date | null;
}

/** Records the tokens of provider calls, and counts them towards the daily limits. */
export class UsageService {
  constructor(private readonly ledger: TokenLedger) {}

  /**
   * Reserves the tokens of an answer that is about to be stored in this transaction.
   * @throws QuotaExceededError if the daily quota of the user or the budget of the installation is used up.
   */
  async reserveAnswer(tx: EntityManager, userId: string, answerId: string, estimate: TokenCount): Promise<void> {
    await this.ledger.reserve(tx, userId, answerId, estimate);
  }

  /** Reserves more tokens for a running answer. Call it as the last statement of the transaction. */
  async extendReservation(tx: EntityManager, answerId: string, estimate: TokenCount): Promise<void> {
    await this.ledger.extend(tx, answerId, estimate);
  }

  /** Records what an answer has cost; null if nothing. Call it as the last statement of the transaction. */
  async recordAnswer(tx: EntityManager, userId: string, answerId: string, cost: Cost | null): Promise<void> {
    if (cost) await insertCall(tx, userId, ModelCallPurpose.ANSWER, cost);
    await this.ledger.settle(tx, answerId, () => cost);
  }

  /** Counts an answer whose conversation or account was deleted. Does nothing if another instance has recorded it. */
  async countDeletedAnswer(tx: EntityManager, answerId: string, cost: Cost | null): Promise<void> {
    await this.ledger.settle(tx, answerId, () => cost);
  }

  /** Counts an answer of a failed instance: the estimated prompt, and the tokens of the text. */
  async countInterruptedAnswer(tx: EntityManager, answerId: string, text: string): Promise<void> {
    await this.ledger.settle(tx, answerId, (estimate) => ({
      ...estimate,
      completionTokens: Math.min(countTokens(text), estimate.completionTokens),
    }));
  }

  /** Returns whether titles and metadata must wait until tomorrow. */
  async isBudgetUsedUp(em: EntityManager): Promise<boolean> {
    return await this.ledger.isBudgetUsedUp(em);
  }

  /** Records a call for a title or for metadata. Call it as the last statement of the transaction. */
  async record(tx: EntityManager, userId: string, purpose: ModelCallPurpose, cost: Cost): Promise<void> {
    await insertCall(tx, userId, purpose, cost);
    await this.ledger.spend(tx, userId, cost);
  }

  /** Records a call that failed after the provider had reported its usage. */
  async recordFailedCall(em: EntityManager, userId: string, purpose: ModelCallPurpose, error: unknown): Promise<void> {
    if (!(error instanceof ModelError) || !error.usage) return;
    const { usage } = error;
    await inTransaction(em, (tx) => this.record(tx, userId, purpose, usage));
  }

  /** Returns the totals of a range. */
  async getTotals(em: EntityManager, range: UsageRange): Promise<UsageTotals> {
    const { condition, values } = toWhereClause(range);
    const [row] = await em.execute<TotalsRow[]>(`select ${TOTALS} from model_calls where ${condition}`, values);
    return toTotals(row!);
  }

  /** Returns the totals of each UTC day, written YYYY-MM-DD, in order. Days without calls are omitted. */
  async getDailyTotals(em: EntityManager, range: UsageRange): Promise<(UsageTotals & { day: string })[]> {
    const { condition, values } = toWhereClause(range);
    const day = sql(em, {
      sqlite: `date(at / 1000, 'unixepoch')`,
      postgresql: `to_char(at at time zone 'UTC', 'YYYY-MM-DD')`,
    });
    const rows = await em.execute<(TotalsRow & { day: string })[]>(
      `select ${day} as day, ${TOTALS} from model_calls where ${condition} group by day order by day`,
      values,
    );
    return rows.map((row) => ({ day: row.day, ...toTotals(row) }));
  }

  /** Returns the users with the most tokens, with their totals. */
  async getTopUsers(em: EntityManager, range: UsageRange, limit: number): Promise<(UsageTotals & { user: User })[]> {
    const { condition, values } = toWhereClause(range);
    const rows = await em.execute<(TotalsRow & { id: string })[]>(
      `select user_id as id, ${TOTALS} from model_calls where ${condition}
       group by user_id order by sum(prompt_tokens + completion_tokens) desc, user_id limit ?`,
      [...values, limit],
    );
    const users = await em.find(User, { id: { $in: rows.map(({ id }) => id) } });
    return rows.flatMap((row) => {
      const user = users.find(({ id }) => id === row.id);
      return user ? [{ user, ...toTotals(row) }] : [];
    });
  }
}

type TotalsRow = Record<'answers' | 'prompt' | 'completion' | 'estimated', number | string>;

const TOTALS = `count(case when purpose = 'ANSWER' then 1 end) as answers,
              coalesce(sum(prompt_tokens), 0) as prompt,
              coalesce(sum(completion_tokens), 0) as completion,
              count(case when estimated then 1 end) as estimated`;

const toTotals = (row: TotalsRow): UsageTotals => ({
  answers: Number(row.answers),
  promptTokens: Number(row.prompt),
  completionTokens: Number(row.completion),
  estimated: Number(row.estimated) > 0,
});

function toWhereClause({ ownerId, from, to }: UsageRange): { condition: string; values: unknown[] } {
  const range = [from ?? MIN_DATE, to ?? MAX_DATE];
  return ownerId === null
    ? { condition: 'at >= ? and at < ?', values: range }
    : { condition: 'user_id = ? and at >= ? and at < ?', values: [ownerId, ...range] };
}

const MIN_DATE = new Date(0);
/** Later than every row, and accepted by both databases. */
const MAX_DATE = new Date('9999-12-31T00:00:00Z');

const modelCall = new PreparedQuery<
  [
    ...[id: string, userId: string, at: Date, purpose: string, promptTokens: number, completionTokens: number],
    estimated: boolean,
  ],
  never
>(
  `insert into model_calls (id, user_id, at, purpose, prompt_tokens, completion_tokens, estimated)
   values (?, ?, ?, ?, ?, ?, ?)`,
);

async function insertCall(tx: EntityManager, userId: string, purpose: ModelCallPurpose, cost: Cost): Promise<void> {
  // What the caller has persisted comes before the locks of the ledger, too.
  await tx.flush();
  const { promptTokens, completionTokens, estimated } = cost;
  await modelCall.run(tx, newId(), userId, new Date(), purpose, promptTokens, completionTokens, estimated);
}
