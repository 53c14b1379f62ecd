import type { Logger } from '../platform/telemetry/log.js';
import type { Metrics } from '../platform/telemetry/metrics.js';

/** The shares of the budget at which a line is logged. */
const WARN_AT = 0.8;
const EXHAUSTED_AT = 1;

/** The daily budget of the installation, as far as this instance has read it: for metrics and the log. */
export class TokenBudget {
  #day = '';
  #spent = 0;
  #reserved = 0;
  /** The share that was logged last on this day. */
  #logged = 0;

  constructor(
    readonly limit: number,
    metrics: Metrics,
    private readonly log: Logger,
  ) {
    metrics.gauge('parley_daily_token_budget', 'DAILY_TOKEN_BUDGET: tokens per UTC day.', () => limit);
    metrics.gauge('parley_daily_tokens_spent', 'Tokens of finished provider calls since midnight UTC.', () =>
      this.#read(this.#spent),
    );
    metrics.gauge('parley_daily_tokens_reserved', 'Estimated tokens of running answers.', () =>
      this.#read(this.#reserved),
    );
  }

  /** Takes note of what the database contains. Logs once per day when 80 % and 100 % are spent. */
  observe(day: string, spent: number, reserved: number): void {
    if (day < this.#day) return;
    if (day > this.#day) this.#logged = 0;
    this.#day = day;
    this.#spent = spent;
    this.#reserved = reserved;
    const share = spent / this.limit;
    if (share >= EXHAUSTED_AT && this.#logged < EXHAUSTED_AT) {
      this.#logged = EXHAUSTED_AT;
      this.log.error(
        { budget: this.limit, spent },
        'Daily token budget used up: answers are refused until midnight UTC.',
      );
    } else if (share >= WARN_AT && this.#logged < WARN_AT) {
      this.#logged = WARN_AT;
      this.log.warn({ budget: this.limit, spent }, 'More than 80 % of the daily token budget is spent.');
    }
  }

  /** What was read on an earlier day is no longer valid. */
  #read(value: number): number {
    return this.#day === new Date().toISOString().slice(0, 10) ? value : 0;
  }
}
