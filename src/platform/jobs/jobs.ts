import { Cron } from 'croner';
import type { Logger } from '../telemetry/log.js';

/** Work that is done on a schedule, in UTC, never twice at once in this process; a failure is logged and tried again next time. */
export class Jobs implements Disposable {
  readonly #jobs: Cron[] = [];

  constructor(private readonly log: Logger) {}

  /** @param pattern of cron, such as `17 * * * *` */
  schedule(name: string, pattern: string, work: () => Promise<unknown>): void {
    const onError = (error: unknown) => this.log.error({ err: error, job: name }, 'A job failed.');
    this.#jobs.push(
      new Cron(pattern, { timezone: 'UTC', protect: true, unref: true, catch: onError }, work as () => Promise<void>),
    );
  }

  [Symbol.dispose](): void {
    for (const job of this.#jobs) job.stop();
  }
}
