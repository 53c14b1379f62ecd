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
  readonly #key: KeyObject;

  /** @param lifetime in milliseconds */
  constructor(
    secret: string,
    private readonly lifetime: number,
  ) {
    this.#key = createSecretKey(secret, 'utf8');
  }

  sign({ userId, sessionId }: AccessTokenClaims): { token: string; expiresAt: Date } {
    const issuedAt = Math.floor(Date.now() / 1000);
    const expiresAt = issuedAt + Math.max(1, Math.floor(this.lifetime / 1000));
    const token = jwt.sign({ sid: sessionId, iat: issuedAt, exp: expiresAt }, this.#key, {
      algorithm: ALGORITHM,
      issuer: ISSUER,
      subject: userId,
    });
    return { token, expiresAt: new Date(expiresAt * 1000) };
  }

  /** The claims of a token that is ours and has not expired, else null. */
  verify(token: string): AccessTokenClaims | null {
    try {
      const claims = jwt.verify(token, this.#key, { algorithms: [ALGORITHM], issuer: ISSUER });
      if (typeof claims === 'string' || typeof claims.sub !== 'string' || typeof claims['sid'] !== 'string')
        return null;
      return { userId: claims.sub, sessionId: claims['sid'] };
    } catch {
      return null;
    }
  }
}
