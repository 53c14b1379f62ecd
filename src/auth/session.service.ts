import { LockMode, ref, type FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/orm.js';
import { PreparedQuery, toDate, type QueryTarget, type StoredDate } from '../platform/db/prepared-query.js';
import { inTransaction } from '../platform/db/transaction.js';
import { UnauthenticatedError } from '../platform/errors/api-error.js';
import { parseBearerToken } from '../platform/graphql/bearer-token.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { AccessTokens } from './access-tokens.js';
import { sessionsEnded, tokensRevoked } from './auth.topics.js';
import type { AuthPayload } from './auth.types.js';
import { isGuest } from './permissions.js';
import { RefreshToken } from './refresh-token.entity.js';
import { createRefreshToken, hashRefreshToken } from './refresh-tokens.js';
import type { Role } from './role.js';
import { Session, SessionEndReason } from './session.entity.js';
import { toEventOrigin, type EventOrigin, type SecurityEvents } from './security-events.js';
import { toStoredUserAgent } from './user-agent.js';
import type { User } from './user.entity.js';
import type { Client, Viewer } from './viewer.js';

/** How long sessions are kept after they end, for audits. */
const RETENTION_MS = 30 * 86_400_000;

/** The tokens of a new session, and its id. */
export interface StartedSession extends AuthPayload {
  sessionId: string;
}

/** Sessions of one user that have ended. */
interface EndedSessions {
  /** Null if there are none. */
  userId: string | null;
  ids: string[];
  reason: SessionEndReason;
}

/** A session that has neither ended nor expired, with what decides whether its access tokens are valid. */
const activeSession = new PreparedQuery<
  [id: string, userId: string, now: Date],
  { token_version: number; expires_at: StoredDate; role: Role }
>(
  `select s.token_version, s.expires_at, u.role from sessions s join users u on u.id = s.user_id
   where s.id = ? and s.user_id = ? and s.ended_at is null and s.expires_at > ?`,
);

const sessionFromAddress = new PreparedQuery<[userId: string, addressHash: string], object>(
  'select id from sessions where user_id = ? and address_hash = ? limit 1',
);

/** Manages sessions and rotates their refresh tokens as OAuth 2.0 Security BCP (RFC 9700, section 4.14) recommends. */
export class SessionService {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly lifetimes: { refreshTokenMs: number; reuseGraceMs: number },
    private readonly hashAddress: (userId: string, address: string) => string,
    private readonly bus: Bus,
    private readonly events: SecurityEvents,
  ) {}

  /** Starts a session for the user. It does not flush, so a new account and its session are stored together. */
  start(em: EntityManager, user: User, { address, userAgent }: Client): StartedSession {
    const session = new Session();
    session.user = ref(user);
    session.userAgent = toStoredUserAgent(userAgent);
    session.addressHash = this.hashAddress(user.id, address);
    em.persist(session);
    return { ...this.issue(em, session, user), sessionId: session.id };
  }

  /** Returns whether a session of the user has started from this address. */
  async hasStartedFrom(db: QueryTarget, userId: string, address: string): Promise<boolean> {
    return (await sessionFromAddress.get(db, userId, this.hashAddress(userId, address))) !== null;
  }

  /** Issues a new pair of tokens and extends the session to the expiry of the refresh token. It does not flush. */
  issue(em: EntityManager, session: Session, user: User): AuthPayload {
    const refreshToken = createRefreshToken();
    const stored = new RefreshToken();
    stored.hash = hashRefreshToken(refreshToken);
    stored.session = ref(session);
    stored.generation = session.generation;
    stored.expiresAt = new Date(Date.now() + this.lifetimes.refreshTokenMs);
    session.expiresAt = stored.expiresAt;
    session.lastUsedAt = new Date();
    em.persist(stored);

    const access = this.accessTokens.sign({
      userId: user.id,
      sessionId: session.id,
      version: session.tokenVersion,
    });
    return {
      accessToken: access.token,
      accessTokenExpiresAt: access.expiresAt,
      refreshToken,
      refreshTokenExpiresAt: stored.expiresAt,
      user,
    };
  }

  /**
   * Exchanges a refresh token for a new pair of tokens. The tokens of a session form generations: the first use of a
   * token starts the next generation. These tokens are accepted:
   *
   * - A token of the newest generation. One of them can be used, so a session has one live pair.
   * - The token from which the newest generation was issued, because the client may not have received the response.
   * - A token that was first used within the grace period, or issued for such a token, because concurrent tabs use the
   *   same one.
   *
   * Any other token was stolen, from the client or by it, so its session ends.
   * @throws UnauthenticatedError if the token is unknown, reused or expired.
   */
  async refresh(em: EntityManager, refreshToken: string, from: EventOrigin): Promise<AuthPayload> {
    const outcome = await inTransaction(em, async (tx): Promise<AuthPayload | { reused: Session } | null> => {
      const now = new Date();
      const found = await this.#lockWithToken(tx, refreshToken, now);
      if (!found || found.session.endedAt) return null;
      const { session, token } = found;
      if (!(await this.#isAccepted(tx, session, token, now))) {
        session.endedAt = now;
        session.endReason = SessionEndReason.TOKEN_REUSED;
        return { reused: session };
      }
      if (token.generation === session.generation) session.generation += 1;
      token.spentAt ??= now;
      return this.issue(tx, session, await session.user.loadOrFail());
    });
    if (outcome && 'accessToken' in outcome) return outcome;
    if (outcome) {
      const { id: sessionId, user } = outcome.reused;
      this.closeConnections([sessionId]);
      await this.events.record(em, { type: 'refresh_token_reused', userId: user.id, sessionId, ...from });
    }
    throw new UnauthenticatedError('The refresh token is invalid, expired or already used; sign in again.');
  }

  /**
   * Returns the session of a refresh token that is accepted, with its row locked until the end of the transaction; null
   * otherwise. Changes nothing. The session may have ended.
   */
  async lockByToken(tx: EntityManager, refreshToken: string): Promise<Session | null> {
    const now = new Date();
    const found = await this.#lockWithToken(tx, refreshToken, now);
    return found && (await this.#isAccepted(tx, found.session, found.token, now)) ? found.session : null;
  }

  /** Returns null if the token is unknown or expired. */
  async #lockWithToken(
    tx: EntityManager,
    refreshToken: string,
    now: Date,
  ): Promise<{ session: Session; token: RefreshToken } | null> {
    const hash = hashRefreshToken(refreshToken);
    const found = await tx.findOne(RefreshToken, { hash });
    const lockMode = LockMode.PESSIMISTIC_WRITE;
    const session = found && (await tx.findOne(Session, { id: found.session.id }, { lockMode }));
    // Read again under the session's lock: a concurrent request may have used or deleted the token.
    const token = session && (await tx.findOne(RefreshToken, { hash }, { refresh: true }));
    return token && token.expiresAt > now ? { session, token } : null;
  }

  async #isAccepted(tx: EntityManager, session: Session, token: RefreshToken, now: Date): Promise<boolean> {
    if (token.generation === session.generation) return true;
    if (token.generation === session.generation - 1 && token.spentAt) return true;
    const graceStart = token.spentAt ?? (await this.#findFirstUse(tx, session, token.generation - 1));
    return graceStart !== null && now.getTime() - graceStart.getTime() < this.lifetimes.reuseGraceMs;
  }

  async #findFirstUse(tx: EntityManager, session: Session, generation: number): Promise<Date | null> {
    const first = await tx.findOne(
      RefreshToken,
      { session: session.id, generation, spentAt: { $ne: null } },
      { orderBy: { spentAt: 'asc' } },
    );
    return first?.spentAt ?? null;
  }

  /** Returns the session if it has not ended, and locks its row until the end of the transaction. */
  async lock(tx: EntityManager, id: string): Promise<Session | null> {
    return await tx.findOne(Session, { id, endedAt: null }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  }

  /**
   * Keeps a guest's session from being claimed or deleted until the end of the transaction, so that what the transaction
   * adds is claimed, too. Sessions of accounts are not locked.
   * @throws UnauthenticatedError if it has ended.
   */
  async holdGuest(tx: EntityManager, viewer: Viewer): Promise<void> {
    if (isGuest(viewer) && !(await this.lock(tx, viewer.sessionId)))
      throw new UnauthenticatedError('The guest session has ended; sign in to continue its conversations.');
  }

  /** Returns the versions of the access tokens that are valid, for those of the sessions that have not ended. */
  async findTokenVersions(em: EntityManager, ids: readonly string[]): Promise<Map<string, number>> {
    if (ids.length === 0) return new Map();
    const active = await em.find(Session, { id: [...ids], endedAt: null }, { fields: ['id', 'tokenVersion'] });
    return new Map(active.map(({ id, tokenVersion }) => [id, tokenVersion]));
  }

  /** Ends the session of the refresh token. Does nothing if the token is unknown or the session has ended. */
  async logout(em: EntityManager, refreshToken: string, from: EventOrigin): Promise<void> {
    const token = await em.findOne(RefreshToken, { hash: hashRefreshToken(refreshToken) });
    if (!token) return;
    const ended = await this.#end(em, { id: token.session.id }, SessionEndReason.LOGOUT);
    await this.announceEnded(em, ended, from);
  }

  /** Ends all sessions of the user. Returns the number of sessions that were active. */
  async logoutAll(em: EntityManager, viewer: Viewer): Promise<number> {
    const { userId } = viewer;
    const from = toEventOrigin(viewer);
    const ended = await this.#end(em, { user: userId }, SessionEndReason.LOGOUT_ALL);
    const count = ended.ids.length;
    await this.announceEnded(em, ended, from);
    await this.events.record(em, { type: 'sessions_ended', userId, count, ...from });
    return count;
  }

  /** Ends all sessions of the user. Call announceEnded() with them after the commit. */
  async endAll(em: EntityManager, userId: string, reason: SessionEndReason): Promise<EndedSessions> {
    return await this.#end(em, { user: userId }, reason);
  }

  /** Ends all other sessions of the user. Call announceEnded() with them after the commit. */
  async endOthers(em: EntityManager, { userId, sessionId }: Viewer, reason: SessionEndReason): Promise<EndedSessions> {
    return await this.#end(em, { user: userId, id: { $ne: sessionId } }, reason);
  }

  /** Closes the connections of ended sessions and records their end. Call it after the commit: clients reconnect at once. */
  async announceEnded(em: EntityManager, { userId, ids, reason }: EndedSessions, from: EventOrigin): Promise<void> {
    this.closeConnections(ids);
    for (const sessionId of ids)
      await this.events.record(em, { type: 'session_ended', userId, sessionId, reason, ...from });
  }

  /**
   * Closes the connections of these sessions on all instances.
   * @param options.afterAnswers connections that follow answers stay open until these are finished
   */
  closeConnections(sessionIds: string[], options: { afterAnswers?: boolean } = {}): void {
    if (sessionIds.length > 0) this.bus.publish(sessionsEnded, { sessionIds, ...options });
  }

  /** Closes the connections that use older access tokens of the session, on all instances. Call it after the commit. */
  closeRevoked(session: { sessionId: string; tokenVersion: number }): void {
    this.bus.publish(tokensRevoked, session);
  }

  /** Returns the user's active sessions, most recently used first. */
  async findActive(em: EntityManager, userId: string): Promise<Session[]> {
    return await em.find(
      Session,
      { user: userId, endedAt: null, expiresAt: { $gt: new Date() } },
      { orderBy: { lastUsedAt: 'desc', id: 'desc' } },
    );
  }

  /**
   * Authenticates an Authorization header. The session is read each time, so ending it takes effect at once, on all
   * instances.
   * @throws UnauthenticatedError if there is no token, the token is invalid or expired, or its session has ended.
   */
  async authenticate(db: QueryTarget, authorization: string | null): Promise<Omit<Viewer, keyof Client>> {
    if (!authorization) throw new UnauthenticatedError();
    const claims = this.#readClaims(authorization);
    if (!claims) throw new UnauthenticatedError('The access token is invalid or expired; refresh it or sign in again.');
    const session = await activeSession.get(db, claims.sessionId, claims.userId, new Date());
    if (!session) throw new UnauthenticatedError('The session has ended; sign in again.');
    if (session.token_version !== claims.version)
      throw new UnauthenticatedError('The access token was revoked; refresh it or sign in again.');
    // JWT_REFRESH_EXPIRES_IN may be shorter than JWT_EXPIRES_IN, so the session may expire before the token.
    const sessionExpiry = toDate(session.expires_at);
    const expiresAt = sessionExpiry < claims.expiresAt ? sessionExpiry : claims.expiresAt;
    const { userId, sessionId } = claims;
    return { userId, sessionId, tokenVersion: claims.version, expiresAt, role: session.role };
  }

  /** Returns whether an Authorization header has a valid access token, whose session may have ended. Reads nothing. */
  hasValidToken(authorization: string | null): boolean {
    return authorization !== null && this.#readClaims(authorization) !== null;
  }

  #readClaims(authorization: string) {
    const token = parseBearerToken(authorization);
    return token ? this.accessTokens.verify(token) : null;
  }

  /** Deletes sessions that ended or expired before the retention period. Returns the number of deleted rows. */
  async cleanUp(em: EntityManager): Promise<number> {
    const cutoff = new Date(Date.now() - RETENTION_MS);
    return await em.nativeDelete(Session, { $or: [{ endedAt: { $lt: cutoff } }, { expiresAt: { $lt: cutoff } }] });
  }

  async #end(em: EntityManager, filter: FilterQuery<Session>, endReason: SessionEndReason): Promise<EndedSessions> {
    const now = new Date();
    const active = await em.find(
      Session,
      { $and: [filter, { endedAt: null, expiresAt: { $gt: now } }] },
      { fields: ['id', 'user'] },
    );
    const ids = active.map(({ id }) => id);
    await em.nativeUpdate(Session, { id: { $in: ids }, endedAt: null }, { endedAt: now, endReason });
    return { userId: active[0]?.user.id ?? null, ids, reason: endReason };
  }
}
