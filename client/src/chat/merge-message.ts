/**
 * How two states of one message become one. Reads, mutations and events overtake one another, so a state is merged with
 * what is known, never put in its place.
 *
 * - While it is STREAMING, the longer text wins, and products are added: an answer only grows.
 *   A look-up that has ended does not run again.
 * - A final state stays, unless the message was continued after it.
 * - A server that died may have stored less of an INTERRUPTED answer than it had sent. The longer text wins.
 */

/** The fields that the rules need. A selection may leave out all but the id. */
export interface MergeableMessage {
  id: string;
  status?: string;
  content?: string;
  reasoning?: string | null;
  products?: readonly MergeableProduct[];
  toolCalls?: readonly MergeableToolCall[];
  error?: { code?: string } | null;
}

export interface MergeableProduct {
  id: string;
  offset?: number;
}

export interface MergeableToolCall {
  id: string;
  name?: string;
  state?: string;
  offset?: number;
}

/** What is known of a message. Times count the events of a clock, not milliseconds. */
export interface KnownMessage<T extends MergeableMessage> {
  message: T;
  /** When its final state arrived; -1 if it has not. */
  endedAt: number;
  /** When it began to grow again after that; -1 if it has not. */
  continuedAt: number;
}

const isFinal = ({ status }: MergeableMessage): boolean => status !== undefined && status !== 'STREAMING';

/**
 * @param begunAt when the request began that returned the message; what is newer than that is kept
 * @param now the time
 */
export function mergeMessage<T extends MergeableMessage>(
  known: KnownMessage<T> | undefined,
  incoming: T,
  begunAt: number,
  now: number,
): KnownMessage<T> {
  if (!known) return { message: incoming, endedAt: isFinal(incoming) ? now : -1, continuedAt: -1 };
  const { message } = known;
  if (incoming.status === undefined)
    return { ...known, message: { ...message, ...keepLongerTexts(message, incoming) } };
  if (isFinal(incoming)) {
    // It was sent before the message was continued.
    if (!isFinal(message) && begunAt < known.continuedAt) return known;
    const isCut = incoming.error?.code === 'INTERRUPTED';
    return {
      ...known,
      message: { ...message, ...incoming, ...(isCut && keepLongerTexts(message, incoming)) },
      endedAt: now,
    };
  }
  if (!isFinal(message))
    return { ...known, message: { ...message, ...incoming, ...keepLongerTexts(message, incoming) } };
  // It was sent before the message ended.
  if (begunAt < known.endedAt) return known;
  return { message: { ...message, ...incoming }, endedAt: -1, continuedAt: now };
}

function keepLongerTexts<T extends MergeableMessage>(known: T, incoming: T): T {
  return {
    ...incoming,
    ...(incoming.content === undefined ? {} : { content: longer(known.content, incoming.content) }),
    ...(incoming.products === undefined ? {} : { products: mergeProducts(known.products, incoming.products) }),
    ...(incoming.toolCalls === undefined ? {} : { toolCalls: mergeToolCalls(known.toolCalls, incoming.toolCalls) }),
    ...(incoming.reasoning === undefined ? {} : { reasoning: longer(known.reasoning, incoming.reasoning) }),
  };
}

/** Returns the known text if the other is its beginning. */
const longer = <T extends string | null>(known: T | undefined, incoming: T): T =>
  known?.startsWith(incoming ?? '') ? known : incoming;

/** Merges products by their ids, in the order of their places. After a reconnection they arrive again. */
export function mergeProducts<T extends MergeableProduct>(known: readonly T[] = [], incoming: readonly T[]): T[] {
  const products = new Map([...known, ...incoming].map((product) => [product.id, product]));
  return sortByOffset([...products.values()]);
}

/** Merges look-ups by their ids, in the order of their places. The server stores each before it tells of it. */
export function mergeToolCalls<T extends MergeableToolCall>(known: readonly T[] = [], incoming: readonly T[]): T[] {
  const calls = new Map(known.map((call) => [call.id, call]));
  for (const call of incoming) {
    const other = calls.get(call.id);
    const isLate = call.state === 'RUNNING' && other?.state !== 'RUNNING';
    calls.set(call.id, isLate ? { ...call, ...other } : { ...other, ...call });
  }
  return sortByOffset([...calls.values()]);
}

const sortByOffset = <T extends { offset?: number }>(parts: T[]): T[] =>
  parts.sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
