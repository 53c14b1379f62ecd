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
  /** The most CPU time between two turns of the event loop since the last request, in milliseconds. */
  longestTurn: number;
  /** The number of open handles of each kind: sockets, timers and so on. */
  handles: Record<string, number>;
  profiling: null;
  profile: object;
}

const session = new Session();

const TURN_INTERVAL_MS = 20;

/** Unlike the delay of the event loop, it does not depend on what else runs on the machine. */
let turns: NodeJS.Timeout | undefined;
let longestTurn = 0;
let lastTurn = getThreadCpu();

function getThreadCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

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
  longestTurn() {
    const result = longestTurn;
    longestTurn = 0;
    // From now on turns are measured, which costs some CPU time.
    turns ??= setInterval(() => {
      const now = getThreadCpu();
      longestTurn = Math.max(longestTurn, now - lastTurn);
      lastTurn = now;
    }, TURN_INTERVAL_MS).unref();
    lastTurn = getThreadCpu();
    return result;
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
