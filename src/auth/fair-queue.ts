/** Work that waits for a place. */
export interface Job {
  run: () => Promise<void>;
  /** Whether the caller still waits for the result. */
  isWanted: () => boolean;
  reject: (error: Error) => void;
}

/**
 * Runs a bounded number of jobs at once. The groups take turns, so that a group with many jobs does not delay the others.
 * When the queue is full, a job of the group with the most jobs is refused. Jobs that are no longer wanted do not run.
 */
export class FairQueue {
  /** The waiting jobs of each group. The group at the beginning has the next turn. */
  readonly #groups = new Map<string, Job[]>();
  #waiting = 0;
  #running = 0;

  constructor(
    private readonly limits: { running: number; waiting: number },
    private readonly createRefusal: () => Error,
  ) {}

  add(group: string, job: Job): void {
    const jobs = this.#groups.get(group) ?? [];
    jobs.push(job);
    this.#groups.set(group, jobs);
    this.#waiting += 1;
    if (this.#waiting > this.limits.waiting) this.#refuseOne();
    this.#start();
  }

  #start(): void {
    while (this.#running < this.limits.running) {
      const job = this.#take();
      if (!job) return;
      if (!job.isWanted()) {
        job.reject(this.createRefusal());
        continue;
      }
      this.#running += 1;
      void job.run().finally(() => {
        this.#running -= 1;
        this.#start();
      });
    }
  }

  /** Takes the oldest job of the next group, and moves the group to the end. */
  #take(): Job | null {
    const [next] = this.#groups;
    if (!next) return null;
    const [group, jobs] = next;
    const job = jobs.shift()!;
    this.#waiting -= 1;
    this.#groups.delete(group);
    if (jobs.length > 0) this.#groups.set(group, jobs);
    return job;
  }

  /** Refuses the newest job of the largest group. */
  #refuseOne(): void {
    const [group, jobs] = [...this.#groups].reduce((a, b) => (b[1].length > a[1].length ? b : a));
    const job = jobs.pop()!;
    this.#waiting -= 1;
    if (jobs.length === 0) this.#groups.delete(group);
    job.reject(this.createRefusal());
  }
}
