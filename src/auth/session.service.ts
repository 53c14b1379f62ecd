import { ref } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/database.js';
import { UnauthenticatedError } from '../platform/errors/api-error.js';
import type { AccessTokens } from './access-tokens.js';
import type { AuthPayload } from './auth.types.js';
import { RefreshToken } from './refresh-token.entity.js';
import { hashRefreshToken, newRefreshToken } from './refresh-tokens.js';
import { Session } from './session.entity.js';
import type { User } from './user.entity.js';
import type { Viewer } from './viewer.js';

/** Longer ones are cut: a header is whatever the client wrote. */
const LONGEST_USER_AGENT = 400;

export class SessionService {
  /** @param refreshTokenLifetime in milliseconds */
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokenLifetime: number,
  ) {}

  /** Starts a session for the user. Persists without flushing, so that it can share the account's own transaction. */
  start(em: EntityManager, user: User, userAgent: string | null): AuthPayload {
    const session = new Session();
    session.user = ref(user);
    session.userAgent = userAgent?.toWellFormed().replaceAll('\0', '').slice(0, LONGEST_USER_AGENT) ?? null;
    session.expiresAt = new Date(Date.now() + this.refreshTokenLifetime);

    const refreshToken = newRefreshToken();
    const stored = new RefreshToken();
    stored.hash = hashRefreshToken(refreshToken);
    stored.session = ref(session);
    stored.expiresAt = session.expiresAt;
    em.persist([session, stored]);

    const access = this.accessTokens.sign({ userId: user.id, sessionId: session.id });
    return {
      accessToken: access.token,
      accessTokenExpiresAt: access.expiresAt,
      refreshToken,
      refreshTokenExpiresAt: stored.expiresAt,
      user,
    };
  }

  /**
   * Who an Authorization header speaks for. The session is looked up each time, so that ending it takes effect at once.
   * @throws UnauthenticatedError
   */
  async authenticate(em: EntityManager, authorization: string | null): Promise<Viewer> {
    if (!authorization) throw new UnauthenticatedError();
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const claims = token ? this.accessTokens.verify(token) : null;
    if (!claims) throw new UnauthenticatedError('The access token is invalid or has expired; get a new one.');
    const session = await em.findOne(Session, {
      id: claims.sessionId,
      user: claims.userId,
      endedAt: null,
      expiresAt: { $gt: new Date() },
    });
    if (!session) throw new UnauthenticatedError('This session has ended; sign in again.');
    return { userId: claims.userId, sessionId: session.id };
  }
}
