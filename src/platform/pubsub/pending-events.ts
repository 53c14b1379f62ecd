import type { Bus, Topic } from './bus.js';

/** A reader that falls further behind is disconnected. */
const MAX_PENDING_EVENTS = 1_000;

/**
 * Yields the events of a topic to one reader, starting with those that are published after this call. While the reader
 * is slow, events with the same key are merged. If it falls too far behind, the generator returns: the reader should
 * subscribe again and reload its state.
 */
export function readPendingEvents<T>(
  bus: Bus,
  topic: Topic<T>,
  signal: AbortSignal,
  { isWanted, toKey }: { isWanted: (event: T) => boolean; toKey: (event: T) => string },
): AsyncGenerator<T, void> {
  const pending = new Map<string, T>();
  let wake = Promise.withResolvers<void>();
  const subscription = bus.subscribe(topic, (event) => {
    if (!isWanted(event)) return;
    const key = toKey(event);
    pending.delete(key);
    pending.set(key, event);
    if (pending.size > MAX_PENDING_EVENTS) close();
    wake.resolve();
  });
  let isClosed = false;
  const close = () => {
    isClosed = true;
    subscription[Symbol.dispose]();
    pending.clear();
    wake.resolve();
  };
  signal.addEventListener('abort', close, { once: true });

  return (async function* read() {
    try {
      while (!isClosed) {
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
      close();
    }
  })();
}
