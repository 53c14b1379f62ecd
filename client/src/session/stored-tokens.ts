import type { KeyValueStorage } from '../environment.js';
import type { AccountFragment, TokensFragment } from '../generated/graphql.js';

/** The tokens of a session, and whose they are. */
export interface StoredTokens {
  accessToken: string;
  /** When the access token expires, by the clock of this device. */
  expiresAt: number;
  /** How long it is valid. */
  lifetimeMs: number;
  refreshToken: string;
  user: AccountFragment;
  /** The id of the guest whose conversations this session has claimed. */
  guestId?: string | undefined;
}

/** Reads and writes the tokens as JSON. */
export class TokenStorage {
  constructor(
    private readonly storage: KeyValueStorage,
    readonly key: string,
  ) {}

  /** Returns null if there are none, or if something else has damaged them. */
  read(): StoredTokens | null {
    try {
      const stored = JSON.parse(this.storage.getItem(this.key) ?? 'null') as StoredTokens | null;
      return stored?.accessToken && stored.refreshToken && stored.user?.id ? stored : null;
    } catch {
      return null;
    }
  }

  write(tokens: StoredTokens | null): void {
    if (tokens) this.storage.setItem(this.key, JSON.stringify(tokens));
    else this.storage.removeItem(this.key);
  }
}

export class MemoryStorage implements KeyValueStorage {
  readonly #values = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#values.set(key, value);
  }

  removeItem(key: string): void {
    this.#values.delete(key);
  }
}

export function toStoredTokens({
  accessToken,
  accessTokenExpiresAt,
  refreshToken,
  user,
}: TokensFragment): StoredTokens {
  const lifetimeMs = readLifetime(accessToken) ?? Math.max(0, Date.parse(accessTokenExpiresAt) - Date.now());
  return { accessToken, expiresAt: Date.now() + lifetimeMs, lifetimeMs, refreshToken, user };
}

/** Reads the lifetime of a JWT from its own times, because the clock of the device may be wrong. */
function readLifetime(accessToken: string): number | null {
  try {
    const payload = accessToken.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const { iat, exp } = JSON.parse(atob(payload)) as { iat?: unknown; exp?: unknown };
    return typeof iat === 'number' && typeof exp === 'number' ? (exp - iat) * 1000 : null;
  } catch {
    return null;
  }
}
