/**
 * Preloaded into the processes that are measured: answers what the runner asks, and costs nothing while it does not.
 * The kernel's own files count CPU in steps of 10 ms; this is exact, and knows the heap.
 */
import { Session } from 'node:inspector/promises';

export interface Probed {
  /** User and system time of all threads, in microseconds. */
  cpu: number;
  /** In bytes, of what is left after a collection. */
  memory: { heap: number; rss: number };
  /** A CPU profile of the time since the last question for one; null for the first. */
  profile: object | null;
}

let session: Session | undefined;

const answers: { [Key in keyof Probed]: () => Probed[Key] | Promise<Probed[Key]> } = {
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  memory() {
    globalThis.gc!();
    const { heapUsed, rss } = process.memoryUsage();
    return { heap: heapUsed, rss };
  },
  async profile() {
    if (session) return (await session.post('Profiler.stop')).profile;
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 250 });
    await session.post('Profiler.start');
    return null;
  },
};

process.on('message', (question: keyof Probed | object) => {
  if (typeof question !== 'string') return; // for the provider
  void Promise.resolve(answers[question]()).then((answer) => process.send!({ answer }));
});
process.on('disconnect', () => process.exit());
