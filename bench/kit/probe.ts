/**
 * Preloaded into the measured processes. Responds to requests of the runner and does nothing otherwise. The kernel counts
 * CPU time in steps of 10 ms; these figures are exact, and include the heap.
 */
import { Session } from 'node:inspector/promises';

export interface Probed {
  /** User and system time of all threads, in microseconds. */
  cpu: number;
  /** Bytes after a garbage collection. */
  memory: { heap: number; rss: number };
  /** The number of open handles of each kind: sockets, timers and so on. */
  handles: Record<string, number>;
  profiling: null;
  profile: object;
}

const session = new Session();

const figures: { [Key in keyof Probed]: () => Probed[Key] | Promise<Probed[Key]> } = {
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  memory() {
    globalThis.gc!();
    const { heapUsed, rss } = process.memoryUsage();
    return { heap: heapUsed, rss };
  },
  handles() {
    const counts: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
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

process.on('message', (message: keyof Probed | object) => {
  if (typeof message !== 'string') return; // for provider.ts
  void Promise.resolve(figures[message]()).then((value) => process.send!({ value }));
});
process.on('disconnect', () => process.exit());
