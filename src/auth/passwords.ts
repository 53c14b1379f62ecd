import { hash, verify, type HashOptions } from 'argon2';
import pLimit from 'p-limit';
import { UnavailableError } from '../platform/errors/api-error.js';

/** argon2id with OWASP's first choice of parameters: 19 MiB, two passes, one lane. */
const PARAMETERS = { type: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const satisfies HashOptions;

/** Hashing runs in libuv's pool of four threads, which DNS and files share: half of it is left to them. */
const AT_ONCE = 2;

/** Some four seconds of work: whoever would wait longer is told to come back. */
const MOST_WAITING = 200;

/** Hashes and checks passwords off the event loop, a bounded number at a time. */
export class Passwords {
  readonly #limit = pLimit(AT_ONCE);
  /** Of a password that nobody has: what an unknown user's attempt is checked against. */
  readonly #decoy = hash('nobody has this password', PARAMETERS);

  /** @throws UnavailableError when too many are waiting. */
  hash(password: string): Promise<string> {
    return this.#run(() => hash(password, PARAMETERS));
  }

  /**
   * Whether the password is the one that was hashed. Without a hash the answer is no, after the same work.
   * @throws UnavailableError when too many are waiting.
   */
  verify(passwordHash: string | null, password: string): Promise<boolean> {
    return this.#run(async () => {
      const matches = await verify(passwordHash ?? (await this.#decoy), password);
      return matches && passwordHash !== null;
    });
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#limit.pendingCount >= MOST_WAITING) {
      throw new UnavailableError('Too many people are signing in at this moment; try again in a few seconds.');
    }
    return this.#limit(work);
  }
}
