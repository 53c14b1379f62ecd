import { setTimeout as sleep } from 'node:timers/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import type { ProxyConfiguration } from '../platform/config/provider.js';
import { createNodeFetch } from '../platform/model/node-fetch.js';

const FETCH_TIMEOUT_MS = 5_000;

/** How long fetched keys are used before they are fetched again. */
const MAX_AGE_MS = 10 * 60_000;

/** How long fetched keys are used while they cannot be fetched again. */
const MAX_STALE_MS = 3_600_000;

/** A key that is unknown may be new, but strangers can invent ids of keys: the least time between two fetches. */
const COOLDOWN_MS = 1_000;

/** The public keys of the identity provider could not be fetched. */
export class KeysUnavailable extends Error {}

/** Returns the key of a token, from keys of a file. */
export const createLocalKeys = (jwks: JSONWebKeySet): JWTVerifyGetKey => createLocalJWKSet(jwks);

/**
 * Keys that are fetched when they are needed: again after a while, and for a key that is unknown, because the provider
 * rotates its keys. If they cannot be fetched, the last ones are used for an hour.
 */
export class RemoteKeys implements Disposable {
  readonly #http: ReturnType<typeof createNodeFetch>;
  readonly #remote: ReturnType<typeof createRemoteJWKSet>;
  #fetchedAt = -Infinity;

  constructor(url: URL, proxy: ProxyConfiguration) {
    this.#http = createNodeFetch(proxy);
    this.#remote = createRemoteJWKSet(url, {
      timeoutDuration: FETCH_TIMEOUT_MS,
      cacheMaxAge: MAX_AGE_MS,
      cooldownDuration: COOLDOWN_MS,
      [customFetch]: async (address, options) => {
        const response = await this.#http.fetch(address, options);
        if (response.ok) this.#fetchedAt = performance.now();
        return response;
      },
    });
  }

  /** Returns the key of a token. @throws KeysUnavailable without usable keys */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !this.#remote.coolingDown) throw error;
      // The keys may have been rotated right after they were fetched.
      await sleep(COOLDOWN_MS);
      return await this.#find(header, token);
    }
  };

  readonly #find: JWTVerifyGetKey = (header, token) =>
    this.#remote(header, token).catch((error: unknown) => {
      if (isAboutToken(error)) throw error;
      const last = performance.now() - this.#fetchedAt < MAX_STALE_MS ? this.#remote.jwks() : undefined;
      if (!last) throw new KeysUnavailable('Could not fetch the keys of the identity provider.', { cause: error });
      return createLocalJWKSet(last)(header, token);
    });

  /** Fetches the keys and returns their number. @throws if they cannot be fetched */
  async count(): Promise<number> {
    await this.#remote.reload();
    return this.#remote.jwks()!.keys.length;
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }
}

/** Whether the keys were found, but none fits the token. */
const isAboutToken = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWKSMultipleMatchingKeys ||
  error instanceof errors.JOSENotSupported;
