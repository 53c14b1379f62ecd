import { FakeProvider, type Call } from './fake-provider.js';
import type { Follower } from './user.js';

/**
 * Says much more than the network's buffers take, a token at a time, each as soon as `witness` has got the one before;
 * then ends the answer. Returns how long the answer is.
 */
export async function flood(call: Call, witness: Follower, said = 0): Promise<number> {
  const token = 'x'.repeat(TOKEN);
  let length = said;
  for (let i = 0; i < FLOOD; i += 1) {
    call.delta(token);
    length += token.length;
    await witness.untilLength(length);
  }
  FakeProvider.done(call);
  await witness.rest();
  return length;
}

/** How many tokens that is, and how long each is. */
const FLOOD = 240;
const TOKEN = 4_000;

/** What would be queued for a reader that asked for the text so far with each token, and read none: 116 MB. */
export const QUEUED = (TOKEN * FLOOD * (FLOOD + 1)) / 2;
