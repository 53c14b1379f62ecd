import type { Bus, Topic } from './bus.js';

/** More than these are never kept for one who does not read. */
const MOST_PENDING = 1_000;

/**
 * What is published on a topic, for one reader. Events with the same key are merged while the reader is slow; a reader
 * that falls behind all the same is let go, to come back and look at the whole again. The events are kept from the
 * moment that this is called.
 */
export function pendingEvents<T>(
  bus: Bus,
  topic: Topic<T>,
  signal: AbortSignal,
  { isWanted, keyOf }: { isWanted: (event: T) => boolean; keyOf: (event: T) => string },
): AsyncGenerator<T, void> {
  const pending = new Map<string, T>();
  let wake = Promise.withResolvers<void>();
  const subscription = bus.subscribe(topic, (event) => {
    if (!isWanted(event)) return;
    const key = keyOf(event);
    pending.delete(key);
    pending.set(key, event);
    if (pending.size > MOST_PENDING) end();
    wake.resolve();
  });
  let ended = false;
  const end = () => {
    ended = true;
    subscription[Symbol.dispose]();
    pending.clear();
    wake.resolve();
  };
  signal.addEventListener('abort', end, { once: true });

  return (async function* read() {
    try {
      while (!ended) {
        const [first] = pending;
        if (!first) {
          wake = Promise.withResolvers();
          await wake.promise;
          continue;
        }
        pending.delete(first[0]);
        yield first[1];
      }
    } finally {
      end();
    }
  })();
}
