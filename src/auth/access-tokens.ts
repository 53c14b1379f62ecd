import { createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { LRUCache } from 'lru-cache';

const ISSUER = 'parley';
/** Fixed for signing and verification; a token with any other `alg` is rejected (RFC 8725, section 3.1). */
const ALGORITHM = 'HS256';

/** A client sends the same token many times. */
const MAX_VERIFIED_TOKENS = 10_000;

export interface AccessTokenClaims {
  userId: string;
  sessionId: string;
  /** The session's `tokenVersion`. */
  version: number;
}

interface VerifiedClaims extends AccessTokenClaims {
  expiresAt: Date;
}

/**
 * Signs and verifies JWT access tokens (RFC 7519). A valid token is not sufficient: the caller must also check that its
 * session is active.
 */
export class AccessTokens {
  /** The first key signs; every key verifies. */
  readonly #keys: readonly [KeyObject, ...KeyObject[]];
  /** The claims of valid tokens. A signature stays valid as long as the process has its key. */
  readonly #verified = new LRUCache<string, VerifiedClaims>({ max: MAX_VERIFIED_TOKENS });

  /**
   * @param previousSecrets Secrets used before a rotation; tokens signed with them stay valid until they expire.
   */
  constructor(
    secret: string,
    previousSecrets: readonly string[],
    private readonly lifetimeMs: number,
  ) {
    this.#keys = [toSecretKey(secret), ...previousSecrets.map(toSecretKey)];
  }

  sign({ userId, sessionId, version }: AccessTokenClaims): { token: string; expiresAt: Date } {
    const issuedAt = Math.floor(Date.now() / 1000);
    const expiresAt = issuedAt + Math.max(1, Math.floor(this.lifetimeMs / 1000));
    const token = jwt.sign({ sid: sessionId, ver: version, iat: issuedAt, exp: expiresAt }, this.#keys[0], {
      algorithm: ALGORITHM,
      issuer: ISSUER,
      subject: userId,
    });
    return { token, expiresAt: new Date(expiresAt * 1000) };
  }

  /** Returns the claims of a valid, unexpired token, or null. */
  verify(token: string): VerifiedClaims | null {
    const known = this.#verified.get(token);
    if (known) return known.expiresAt.getTime() > Date.now() ? known : null;
    const claims = this.#verify(token);
    if (claims) this.#verified.set(token, claims);
    return claims;
  }

  #verify(token: string): VerifiedClaims | null {
    for (const key of this.#keys) {
      try {
        const claims = jwt.verify(token, key, { algorithms: [ALGORITHM], issuer: ISSUER });
        if (typeof claims === 'string') return null;
        const {
          sub: userId,
          exp,
          sid: sessionId,
          ver: version = 0,
        } = claims as jwt.JwtPayload & Record<string, unknown>;
        if (typeof userId !== 'string' || typeof sessionId !== 'string' || typeof exp !== 'number') return null;
        if (typeof version !== 'number') return null;
        return { userId, sessionId, version, expiresAt: new Date(exp * 1000) };
      } catch {
        // The token may be signed with an earlier secret: try the next key.
      }
    }
    return null;
  }
}

const toSecretKey = (secret: string): KeyObject => createSecretKey(secret, 'utf8');
