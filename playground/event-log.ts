import type { ExecutionResult } from 'graphql';

type Shown = ExecutionResult & { earlierEvents?: ExecutionResult[] };

/** How many events are shown. */
const MAX_EVENTS = 50;

/** Returns a function that takes each event and returns what to show: the newest event, followed by the earlier ones. */
export function createEventLog(): (event: ExecutionResult) => Shown {
  /** Newest first. */
  let events: ExecutionResult[] = [];
  return (event) => {
    const [newest, ...others] = events;
    const merged = newest && mergeDeltas(newest, event);
    events = merged ? [merged, ...others] : [event, ...events].slice(0, MAX_EVENTS);
    const [shown, ...earlierEvents] = events;
    return earlierEvents.length > 0 ? { ...shown, earlierEvents } : shown!;
  };
}

/** Merges two deltas into one, as the server does for slow clients. Returns null for other events. */
function mergeDeltas(earlier: ExecutionResult, later: ExecutionResult): ExecutionResult | null {
  const [key] = Object.keys(earlier.data ?? {});
  if (!key || earlier.errors || later.errors) return null;
  const [a, b] = [earlier, later].map(({ data }) => (data as any)?.[key]);
  if (!isDelta(a) || !isDelta(b) || a.__typename !== b.__typename || b.offset < a.offset) return null;
  return { data: { [key]: { ...b, offset: a.offset, text: a.text.slice(0, b.offset - a.offset) + b.text } } };
}

const isDelta = (event: any): boolean => typeof event?.text === 'string' && typeof event.offset === 'number';
