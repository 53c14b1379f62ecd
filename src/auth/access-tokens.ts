import { createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';

const ISSUER = 'parley';
/** Pinned for signing and for checking: a token that names another one, or none, is refused (RFC 8725, 3.1). */
const ALGORITHM = 'HS256';

export interface AccessTokenClaims {
  userId: string;
  sessionId: string;
}

/** Signs and checks JWT access tokens (RFC 7519). A token alone proves nothing: its session must still be alive. */
export class AccessTokens {
  /** The first one signs; all of them are taken. */
  readonly #keys: readonly [KeyObject, ...KeyObject[]];

  /**
   * @param previousSecrets of before a rotation: their tokens are good until they expire
   * @param lifetime in milliseconds
   */
  constructor(
    secret: string,
    previousSecrets: readonly string[],
    private readonly lifetime: number,
  ) {
    this.#keys = [keyOf(secret), ...previousSecrets.map(keyOf)];
  }

  sign({ userId, sessionId }: AccessTokenClaims): { token: string; expiresAt: Date } {
    const issuedAt = Math.floor(Date.now() / 1000);
    const expiresAt = issuedAt + Math.max(1, Math.floor(this.lifetime / 1000));
    const token = jwt.sign({ sid: sessionId, iat: issuedAt, exp: expiresAt }, this.#keys[0], {
      algorithm: ALGORITHM,
      issuer: ISSUER,
      subject: userId,
    });
    return { token, expiresAt: new Date(expiresAt * 1000) };
  }

  /** The claims of a token that is ours and has not expired, else null. */
  verify(token: string): (AccessTokenClaims & { expiresAt: Date }) | null {
    for (const key of this.#keys) {
      try {
        const claims = jwt.verify(token, key, { algorithms: [ALGORITHM], issuer: ISSUER });
        if (typeof claims === 'string') return null;
        const { sub: userId, exp, sid: sessionId } = claims as jwt.JwtPayload & { sid?: unknown };
        if (typeof userId !== 'string' || typeof sessionId !== 'string' || typeof exp !== 'number') return null;
        return { userId, sessionId, expiresAt: new Date(exp * 1000) };
      } catch {
        // Perhaps it is of an earlier secret.
      }
    }
    return null;
  }
}

const keyOf = (secret: string): KeyObject => createSecretKey(secret, 'utf8');
