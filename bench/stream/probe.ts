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
  profiling: null;
  profile: object;
}

const session = new Session();

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
  async profiling() {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    return null;
  },
  async profile() {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return profile;
  },
};

process.on('message', (question: keyof Probed | object) => {
  if (typeof question !== 'string') return; // for the provider
  void Promise.resolve(answers[question]()).then((answer) => process.send!({ answer }));
});
process.on('disconnect', () => process.exit());
