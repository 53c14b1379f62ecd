import { Cron } from 'croner';
import type { Logger } from '../telemetry/log.js';

/** Scheduled jobs, in UTC. Runs of a job never overlap in this process. A failure is logged, and the schedule continues. */
export class Jobs implements Disposable {
  readonly #jobs: Cron[] = [];

  constructor(private readonly log: Logger) {}

  /** @param pattern a cron expression such as `17 * * * *` */
  schedule(name: string, pattern: string, work: () => Promise<unknown>): void {
    const onError = (error: unknown) => this.log.error({ err: error, job: name }, 'Job failed.');
    this.#jobs.push(
      new Cron(pattern, { timezone: 'UTC', protect: true, unref: true, catch: onError }, work as () => Promise<void>),
    );
  }

  [Symbol.dispose](): void {
    for (const job of this.#jobs) job.stop();
  }
}
