import { FakeProvider, type Call } from './fake-provider.js';
import type { Follower } from './user.js';

/**
 * Streams much more text than the buffers of the network hold. Sends each token when `witness` has received the previous
 * one, and then finishes the answer. Returns the length of the answer.
 */
export async function flood(call: Call, witness: Follower, sentLength = 0): Promise<number> {
  const token = 'x'.repeat(TOKEN_LENGTH);
  let length = sentLength;
  for (let i = 0; i < TOKEN_COUNT; i += 1) {
    call.delta(token);
    length += token.length;
    await witness.untilLength(length);
  }
  FakeProvider.done(call);
  await witness.rest();
  return length;
}

const TOKEN_COUNT = 240;
const TOKEN_LENGTH = 4_000;

/** The size of a queue that holds the whole text once per token, for a reader that reads nothing: 116 MB. */
export const QUEUED = (TOKEN_LENGTH * TOKEN_COUNT * (TOKEN_COUNT + 1)) / 2;
