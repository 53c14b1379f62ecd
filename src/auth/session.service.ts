import { LockMode, ref, type FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/database.js';
import { inTransaction } from '../platform/db/transaction.js';
import { UnauthenticatedError } from '../platform/errors/api-error.js';
import { bearerTokenOf } from '../platform/http/bearer-token.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { Logger } from '../platform/telemetry/log.js';
import type { AccessTokens } from './access-tokens.js';
import { sessionsEnded } from './auth.events.js';
import type { AuthPayload } from './auth.types.js';
import { RefreshToken } from './refresh-token.entity.js';
import { hashRefreshToken, newRefreshToken } from './refresh-tokens.js';
import { Session, SessionEnd } from './session.entity.js';
import type { User } from './user.entity.js';
import type { Viewer } from './viewer.js';

/** Longer ones are cut: a header is whatever the client wrote. */
const LONGEST_USER_AGENT = 400;

/** How long sessions are kept after their end, for audit. */
const KEPT = 30 * 86_400_000;

/** Sessions and their refresh tokens, rotated as OAuth 2.0 Security BCP (RFC 9700, 4.14) says. */
export class SessionService {
  constructor(
    private readonly accessTokens: AccessTokens,
    /** In milliseconds. */
    private readonly lifetimes: { refreshToken: number; reuseGrace: number },
    private readonly bus: Bus,
    private readonly log: Logger,
  ) {}

  /** Starts a session for the user. Persists without flushing, so that it can share the account's own transaction. */
  start(em: EntityManager, user: User, userAgent: string | null): AuthPayload {
    const session = new Session();
    session.user = ref(user);
    session.userAgent = userAgent?.toWellFormed().replaceAll('\0', '').slice(0, LONGEST_USER_AGENT) ?? null;
    em.persist(session);
    return this.issue(em, session, user);
  }

  /** A new pair of tokens for the session, which then lives as long as they do. Persists without flushing. */
  issue(em: EntityManager, session: Session, user: User): AuthPayload {
    const refreshToken = newRefreshToken();
    const stored = new RefreshToken();
    stored.hash = hashRefreshToken(refreshToken);
    stored.session = ref(session);
    stored.expiresAt = new Date(Date.now() + this.lifetimes.refreshToken);
    session.expiresAt = stored.expiresAt;
    session.lastUsedAt = new Date();
    em.persist(stored);

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
   * Trades a refresh token for a new pair. A spent one shown within the grace period is a concurrent tab's, or a retry
   * after a lost response: it gets a pair of its own, beside the first one. Shown later, it was stolen from somebody,
   * and nobody can tell from whom: the session ends.
   * @throws UnauthenticatedError
   */
  async refresh(em: EntityManager, refreshToken: string): Promise<AuthPayload> {
    const hash = hashRefreshToken(refreshToken);
    const outcome = await inTransaction(em, async (tx): Promise<AuthPayload | { reused: Session } | null> => {
      const found = await tx.findOne(RefreshToken, { hash });
      const session = found && (await this.lock(tx, found.session.id));
      // Read once more, now that nobody else trades a token of this session or takes them all away.
      const token = session && (await tx.findOne(RefreshToken, { hash }, { refresh: true }));
      const now = new Date();
      if (!token || token.expiresAt <= now) return null;
      if (token.spentAt && now.getTime() - token.spentAt.getTime() >= this.lifetimes.reuseGrace) {
        session.endedAt = now;
        session.endReason = SessionEnd.TOKEN_REUSED;
        return { reused: session };
      }
      token.spentAt ??= now;
      return this.issue(tx, session, await session.user.loadOrFail());
    });
    if (outcome && 'accessToken' in outcome) return outcome;
    if (outcome) {
      const { id: sessionId, user } = outcome.reused;
      this.log.warn(
        { event: 'refresh_token_reused', sessionId, userId: user.id },
        'A spent refresh token was shown again: its session has ended.',
      );
      this.announce([sessionId]);
    }
    throw new UnauthenticatedError('The refresh token is unknown, spent or expired; sign in again.');
  }

  /** The session, if it is alive: whoever else would change it or its tokens waits for the transaction's end. */
  async lock(tx: EntityManager, id: string): Promise<Session | null> {
    return await tx.findOne(Session, { id, endedAt: null }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  }

  /** Those of the sessions that have ended, or are gone. */
  async endedOf(em: EntityManager, ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    const alive = await em.find(Session, { id: [...ids], endedAt: null }, { fields: ['id'] });
    const aliveIds = new Set(alive.map(({ id }) => id));
    return ids.filter((id) => !aliveIds.has(id));
  }

  /** Ends the session that the refresh token belongs to, if there is one that is alive. */
  async logout(em: EntityManager, refreshToken: string): Promise<void> {
    const token = await em.findOne(RefreshToken, { hash: hashRefreshToken(refreshToken) });
    if (token) this.announce(await this.#end(em, { id: token.session.id }, SessionEnd.LOGOUT));
  }

  /** Ends all of the user's sessions; answers how many were alive. */
  async logoutAll(em: EntityManager, userId: string): Promise<number> {
    const ended = await this.#end(em, { user: userId }, SessionEnd.LOGOUT_ALL);
    this.announce(ended);
    return ended.length;
  }

  /** Ends the user's sessions but one. Returns their ids, to be announced once that is committed. */
  async endOthers(em: EntityManager, { userId, sessionId }: Viewer, reason: SessionEnd): Promise<string[]> {
    return await this.#end(em, { user: userId, id: { $ne: sessionId } }, reason);
  }

  /** Has the open connections of ended sessions cut. Not before the end is committed: their clients come back at once. */
  announce(sessionIds: string[]): void {
    if (sessionIds.length > 0) this.bus.publish(sessionsEnded, { sessionIds });
  }

  /** The user's sessions that are alive, the last used first. */
  async alive(em: EntityManager, userId: string): Promise<Session[]> {
    return await em.find(
      Session,
      { user: userId, endedAt: null, expiresAt: { $gt: new Date() } },
      { orderBy: { lastUsedAt: 'desc', id: 'desc' } },
    );
  }

  /**
   * Who an Authorization header speaks for. The session is looked up each time, so that ending it takes effect at once.
   * @throws UnauthenticatedError
   */
  async authenticate(em: EntityManager, authorization: string | null): Promise<Viewer> {
    if (!authorization) throw new UnauthenticatedError();
    const token = bearerTokenOf(authorization);
    const claims = token ? this.accessTokens.verify(token) : null;
    if (!claims) throw new UnauthenticatedError('The access token is invalid or has expired; get a new one.');
    const session = await em.findOne(
      Session,
      { id: claims.sessionId, user: claims.userId, endedAt: null, expiresAt: { $gt: new Date() } },
      { populate: ['user'] },
    );
    if (!session) throw new UnauthenticatedError('This session has ended; sign in again.');
    // A session may be set to live shorter than an access token.
    const expiresAt = session.expiresAt < claims.expiresAt ? session.expiresAt : claims.expiresAt;
    return { ...claims, expiresAt, role: session.user.unwrap().role };
  }

  /** Deletes what ended or expired long enough ago. */
  async cleanUp(em: EntityManager): Promise<number> {
    const border = new Date(Date.now() - KEPT);
    return await em.nativeDelete(Session, { $or: [{ endedAt: { $lt: border } }, { expiresAt: { $lt: border } }] });
  }

  async #end(em: EntityManager, which: FilterQuery<Session>, endReason: SessionEnd): Promise<string[]> {
    const now = new Date();
    const alive = await em.find(
      Session,
      { $and: [which, { endedAt: null, expiresAt: { $gt: now } }] },
      { fields: ['id'] },
    );
    const ids = alive.map(({ id }) => id);
    await em.nativeUpdate(Session, { id: { $in: ids }, endedAt: null }, { endedAt: now, endReason });
    return ids;
  }
}
