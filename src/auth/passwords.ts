import { availableParallelism } from 'node:os';
import { hash, needsRehash, verify, type HashOptions } from 'argon2';
import { UnavailableError } from '../platform/errors/api-error.js';
import { FairQueue } from './fair-queue.js';

/** argon2id with the parameters OWASP recommends: 19 MiB of memory, 2 iterations, 1 degree of parallelism. */
const PARAMETERS = { type: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const satisfies HashOptions;

/**
 * Hashing runs on libuv's four threads. Half of them stay free for DNS and file access, and a core stays free for the event
 * loop.
 */
const MAX_CONCURRENT_HASHES = Math.max(1, Math.min(2, availableParallelism() - 1));

/** Some seconds of work; requests beyond it fail with UNAVAILABLE. */
const MAX_QUEUED_HASHES = 200;

/** Who waits for a hash. */
export interface HashCaller {
  /** Addresses take turns. */
  address: string;
  /** Returns false when the client has disconnected: its hashes are not computed. */
  isConnected?: () => boolean;
}

const COMMAND: HashCaller = { address: 'command' };

/** Hashes and verifies passwords off the event loop, with bounded concurrency. Passwords are normalised (Unicode NFC). */
export class Passwords {
  readonly #queue: FairQueue;
  /** Verified when the user is unknown, so that the response takes as long as for a wrong password. */
  readonly #decoy = hash('decoy password', PARAMETERS);

  /** @param limits how many hashes are computed at once, and how many wait */
  constructor(limits = { running: MAX_CONCURRENT_HASHES, waiting: MAX_QUEUED_HASHES }) {
    this.#queue = new FairQueue(
      limits,
      () => new UnavailableError('Too many sign-ins at the moment; try again in a few seconds.'),
    );
  }

  /**
   * @param check runs first, when it is the caller's turn, because estimating the strength blocks the event loop for some
   * 10 ms; if it throws, nothing is hashed
   * @throws UnavailableError if the queue is full.
   */
  hash(password: string, caller = COMMAND, check?: () => void | Promise<void>): Promise<string> {
    return this.#run(caller, async () => {
      await check?.();
      return await hash(password.normalize('NFC'), PARAMETERS);
    });
  }

  /**
   * Returns whether the password matches the hash. Without a hash it returns false after the same work.
   * @throws UnavailableError if the queue is full.
   */
  verify(passwordHash: string | null, password: string, caller = COMMAND): Promise<boolean> {
    return this.#run(caller, async () => {
      const stored = passwordHash ?? (await this.#decoy);
      const normalized = password.normalize('NFC');
      // Earlier versions hashed passwords as they were given.
      const matches =
        (await verify(stored, normalized)) || (normalized !== password && (await verify(stored, password)));
      return matches && passwordHash !== null;
    });
  }

  /** Returns whether the hash was computed with other parameters than those that are used now. */
  isOutdated(passwordHash: string): boolean {
    return needsRehash(passwordHash, PARAMETERS);
  }

  #run<T>({ address, isConnected = () => true }: HashCaller, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.add(address, { run: () => work().then(resolve, reject), isWanted: isConnected, reject });
    });
  }
}
