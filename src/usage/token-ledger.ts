import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { isGuestAccount, type AccountHashes } from './account-hash.js';
import { DailyTokens, EVERYONE, GUESTS } from './daily-tokens.entity.js';
import type { TokenBudget } from './token-budget.js';
import { TokenReservation } from './token-reservation.entity.js';
import { QuotaExceededError } from './usage.errors.js';

const DAY_MS = 86_400_000;

/** How long a reservation is kept for an answer that was never settled. Longer than an answer may take. */
const MAX_RESERVATION_AGE_MS = 2 * 3_600_000;

/** Tokens of a call, or an estimate of them. */
export interface TokenCount {
  promptTokens: number;
  completionTokens: number;
}

/**
 * Counts the tokens of each UTC day: spent by finished calls, and reserved for running answers. An answer may start
 * while spent and reserved tokens together are below the limit, so concurrent requests do not pass where a single one
 * would not. Each write is one upsert, atomic on both databases. Within a transaction it comes after all other locks,
 * because all requests of the installation share the row of the budget.
 */
export class TokenLedger {
  constructor(
    private readonly accounts: AccountHashes,
    private readonly limits: {
      /** Tokens per user and UTC day. */
      quota: number | null;
      /** For the whole installation. */
      budget: TokenBudget | null;
      /** Tokens per guest, and of all guests. Null if guests are not admitted. */
      guests: { quota: number; total: number } | null;
    },
  ) {}

  get #isEnabled(): boolean {
    const { quota, budget, guests } = this.limits;
    return quota !== null || budget !== null || guests !== null;
  }

  /**
   * Reserves the estimated tokens of an answer that is stored in the same transaction.
   * @throws QuotaExceededError if the quota or the budget is used up.
   */
  async reserve(tx: EntityManager, userId: string, answerId: string, estimate: TokenCount): Promise<void> {
    if (!this.#isEnabled) return;
    const account = await this.accounts.get(tx, userId);
    const day = toDay(new Date());
    const tokens = sum(estimate);
    const written = await this.#add(tx, day, account, { spent: 0, reserved: tokens }, true);
    if (written < this.#rowsOf(account).length) throw await this.#explainRefusal(tx, day, account);
    tx.persist(tx.create(TokenReservation, { answerId, day, account, ...estimate, createdAt: new Date() }));
  }

  /** Adds to the reservation of an answer that is running: it is not refused, because it would lose what it has. */
  async extend(tx: EntityManager, answerId: string, estimate: TokenCount): Promise<void> {
    if (!this.#isEnabled) return;
    const [reservation] = await tx.execute<StoredReservation[]>(
      `update token_reservations set prompt_tokens = prompt_tokens + ?, completion_tokens = completion_tokens + ?
       where answer_id = ? returning ${RESERVATION_COLUMNS}`,
      [estimate.promptTokens, estimate.completionTokens, answerId],
    );
    if (reservation) await this.#add(tx, reservation.day, reservation.account, { spent: 0, reserved: sum(estimate) });
  }

  /** Counts a finished call that had no reservation. */
  async spend(tx: EntityManager, userId: string, tokens: TokenCount): Promise<void> {
    if (!this.#isEnabled) return;
    const account = await this.accounts.get(tx, userId);
    await this.#add(tx, toDay(new Date()), account, { spent: sum(tokens), reserved: 0 });
  }

  /**
   * Replaces the reservation of an answer by what it cost. Does nothing if another instance has settled it.
   * @param toCost receives the estimate, for an answer whose cost is not known exactly
   */
  async settle(
    tx: EntityManager,
    answerId: string,
    toCost: (estimate: TokenCount) => TokenCount | null,
  ): Promise<void> {
    if (!this.#isEnabled) return;
    const [reservation] = await tx.execute<StoredReservation[]>(
      `delete from token_reservations where answer_id = ? returning ${RESERVATION_COLUMNS}`,
      [answerId],
    );
    if (reservation) await this.#replace(tx, reservation, toCost);
  }

  /** Returns whether calls that no user waits for must not be made, because the budget is used up. */
  async isBudgetUsedUp(em: EntityManager): Promise<boolean> {
    const { budget } = this.limits;
    if (!budget) return false;
    const { spent, reserved } = await this.#read(em, toDay(new Date()), EVERYONE);
    return spent + reserved >= budget.limit;
  }

  /**
   * Settles what failed instances have left behind, deletes the counts of earlier days, and reads the budget for the
   * metrics.
   */
  async cleanUp(em: EntityManager): Promise<void> {
    if (!this.#isEnabled) return;
    const now = Date.now();
    await inTransaction(em, async (tx) => {
      const abandoned = await tx.execute<StoredReservation[]>(
        `delete from token_reservations where created_at < ? returning ${RESERVATION_COLUMNS}`,
        [new Date(now - MAX_RESERVATION_AGE_MS)],
      );
      for (const reservation of abandoned) await this.#replace(tx, reservation, (estimate) => estimate);
      // Answers that were asked before midnight still settle the day before.
      await tx.nativeDelete(DailyTokens, { day: { $lt: toDay(new Date(now - DAY_MS)) } });
    });
    await this.#read(em, toDay(new Date()), EVERYONE);
  }

  async #replace(
    tx: EntityManager,
    { day, account, prompt_tokens: promptTokens, completion_tokens: completionTokens }: StoredReservation,
    toCost: (estimate: TokenCount) => TokenCount | null,
  ): Promise<void> {
    const estimate = { promptTokens, completionTokens };
    const cost = toCost(estimate);
    await this.#add(tx, day, account, { spent: cost ? sum(cost) : 0, reserved: -sum(estimate) });
  }

  /** The rows that count the tokens of the account, and their limits: none if nothing limits them. */
  #rowsOf(account: string): { account: string; limit: number }[] {
    const { quota, budget, guests } = this.limits;
    const isGuest = isGuestAccount(account);
    const own = isGuest ? guests?.quota : quota;
    // The same order in every statement, so that concurrent ones do not deadlock.
    return [
      { account, limit: own },
      { account: GUESTS, limit: isGuest ? guests?.total : null },
      { account: EVERYONE, limit: budget?.limit },
    ].flatMap(({ account: name, limit }) => (limit == null ? [] : [{ account: name, limit }]));
  }

  /** Adds to the rows of the account and of the budget. Returns how many rows were below their limits. */
  async #add(
    tx: EntityManager,
    day: string,
    account: string,
    { spent, reserved }: { spent: number; reserved: number },
    isLimited = false,
  ): Promise<number> {
    const limited = this.#rowsOf(account);
    if (limited.length === 0) return 0;
    // PostgreSQL would take the type of the parameters for text.
    const limitOf = `case daily_tokens.account ${limited.map(() => 'when ? then cast(? as bigint)').join(' ')} end`;
    const condition = isLimited ? `where daily_tokens.spent + daily_tokens.reserved < ${limitOf}` : '';
    const rows = await tx.execute<StoredTokens[]>(
      `insert into daily_tokens (day, account, spent, reserved) values ${limited.map(() => '(?, ?, ?, ?)').join(', ')}
       on conflict (day, account) do update
       set spent = daily_tokens.spent + excluded.spent, reserved = daily_tokens.reserved + excluded.reserved
       ${condition} returning account, spent, reserved`,
      [
        ...limited.flatMap((row) => [day, row.account, spent, reserved]),
        ...(isLimited ? limited.flatMap((row) => [row.account, row.limit]) : []),
      ],
    );
    for (const row of rows) this.#observe(day, row);
    return rows.length;
  }

  async #explainRefusal(tx: EntityManager, day: string, account: string): Promise<QuotaExceededError> {
    const retryAfter = Math.ceil((Date.parse(day) + DAY_MS - Date.now()) / 1000);
    for (const row of this.#rowsOf(account).reverse()) {
      if ((await this.#read(tx, day, row.account)).spent < row.limit) continue;
      if (row.account === EVERYONE) return QuotaExceededError.ofInstallation(retryAfter);
      return isGuestAccount(account) ? QuotaExceededError.ofGuests(retryAfter) : QuotaExceededError.ofUser(retryAfter);
    }
    return QuotaExceededError.whileAnswersRun();
  }

  async #read(em: EntityManager, day: string, account: string): Promise<{ spent: number; reserved: number }> {
    const [row] = await em.execute<StoredTokens[]>(
      'select account, spent, reserved from daily_tokens where day = ? and account = ?',
      [day, account],
    );
    return this.#observe(day, row ?? { account, spent: 0, reserved: 0 });
  }

  #observe(day: string, row: StoredTokens): { spent: number; reserved: number } {
    // PostgreSQL returns a bigint as text.
    const [spent, reserved] = [Number(row.spent), Number(row.reserved)];
    if (row.account === EVERYONE) this.limits.budget?.observe(day, spent, reserved);
    return { spent, reserved };
  }
}

interface StoredTokens {
  account: string;
  spent: number | string;
  reserved: number | string;
}

const RESERVATION_COLUMNS = 'day, account, prompt_tokens, completion_tokens';
interface StoredReservation {
  day: string;
  account: string;
  prompt_tokens: number;
  completion_tokens: number;
}

const toDay = (date: Date): string => date.toISOString().slice(0, 10);
const sum = ({ promptTokens, completionTokens }: TokenCount): number => promptTokens + completionTokens;
