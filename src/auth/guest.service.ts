import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { ForbiddenError } from '../platform/errors/api-error.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { AccountDeletion } from './account-deletion.js';
import { InvalidClaimError } from './auth.errors.js';
import { guestClaimed } from './auth.topics.js';
import type { AuthLimits } from './auth-limits.js';
import type { AuthPayload } from './auth.types.js';
import { Role } from './role.js';
import { toEventOrigin, type EventOrigin, type SecurityEvents } from './security-events.js';
import { SessionEndReason } from './session.entity.js';
import type { SessionService } from './session.service.js';
import { User } from './user.entity.js';
import type { Client } from './viewer.js';

/** Idle guests that are looked up at once. */
const CLEAN_UP_BATCH = 200;

/**
 * Moves what a guest has in the domains that depend on this one to an account, in the transaction.
 * @returns what to call after the commit
 */
export type MoveContent = (tx: EntityManager, guestId: string, userId: string) => Promise<() => void>;

/** A guest whose conversations belong to an account since this transaction. */
export interface ClaimedGuest {
  guestId: string;
  sessionId: string;
  userId: string;
  announceContent: () => void;
}

/** Users without an account: they talk before they sign up, and an account can claim their conversations. */
export class GuestService {
  constructor(
    private readonly services: {
      sessions: SessionService;
      limits: AuthLimits;
      bus: Bus;
      events: SecurityEvents;
      deletion: AccountDeletion;
      moveContent: MoveContent;
      /** Whether new guests are admitted. */
      isOpen: boolean;
      /** How long a guest may be idle before it is deleted. */
      retentionMs: number;
    },
  ) {}

  /**
   * Creates a guest and starts its session.
   * @throws ForbiddenError unless guests are admitted.
   * @throws RateLimitedError
   */
  async start(em: EntityManager, client: Client): Promise<AuthPayload> {
    const { sessions, limits, events, isOpen } = this.services;
    if (!isOpen) throw new ForbiddenError('This server does not admit guests; register or sign in.');
    await limits.countAttempt(client.address);
    await limits.countGuest(client.address);
    const guest = new User();
    guest.role = Role.GUEST;
    em.persist(guest);
    const payload = sessions.start(em, guest, client);
    await em.flush();
    const { sessionId } = payload;
    events.report({ type: 'guest_started', userId: guest.id, sessionId, ...toEventOrigin(client) });
    return payload;
  }

  /**
   * Makes the conversations of a guest those of an account, and ends the session of the guest. Reads the refresh token
   * without using it. Call announce() with the result after the commit.
   * @returns null if the account has claimed the guest before
   * @throws InvalidClaimError if the token is not the valid refresh token of a guest, or another account was faster.
   */
  async claim(tx: EntityManager, refreshToken: string, user: User, from: EventOrigin): Promise<ClaimedGuest | null> {
    const { sessions, events, moveContent } = this.services;
    const session = await sessions.lockByToken(tx, refreshToken);
    if (session && session.claimedBy === user.id) return null;
    const guest = session && !session.endedAt ? await session.user.loadOrFail() : null;
    if (guest?.role !== Role.GUEST) {
      events.report({ type: 'claim_rejected', userId: user.id, ...from });
      throw new InvalidClaimError();
    }
    const announceContent = await moveContent(tx, guest.id, user.id);
    session!.endedAt = new Date();
    session!.endReason = SessionEndReason.GUEST_CLAIMED;
    session!.claimedBy = user.id;
    await tx.flush();
    return { guestId: guest.id, sessionId: session!.id, userId: user.id, announceContent };
  }

  /** Closes what the guest has open and notifies the clients of the account. Call it after the commit. */
  async announce(em: EntityManager, claimed: ClaimedGuest | null, from: EventOrigin): Promise<void> {
    if (!claimed) return;
    const { sessions, bus, events } = this.services;
    const { guestId, userId, sessionId } = claimed;
    bus.publish(guestClaimed, { guestId, userId });
    sessions.closeConnections([sessionId], { afterAnswers: true });
    claimed.announceContent();
    await events.record(em, { type: 'guest_claimed', userId, guestId, ...from });
  }

  /** Returns whether the account has claimed the guest of this refresh token: the request is then a retry. */
  async isClaimedBy(em: EntityManager, refreshToken: string, userId: string): Promise<boolean> {
    const session = await inTransaction(em, (tx) => this.services.sessions.lockByToken(tx, refreshToken));
    return session?.claimedBy === userId;
  }

  /** Deletes guests that were idle for longer than the retention period, with their conversations. */
  async cleanUp(em: EntityManager): Promise<void> {
    const { sessions, deletion, events, retentionMs } = this.services;
    const cutoff = new Date(Date.now() - retentionMs);
    for (;;) {
      const idle = await em.fork().execute<{ id: string }[]>(
        `select id from users u where role = 'GUEST' and created_at < ?
           and not exists (select 1 from sessions s where s.user_id = u.id and s.last_used_at >= ?)
           and not exists (select 1 from conversations c where c.owner_id = u.id and c.updated_at >= ?)
         order by created_at limit ${CLEAN_UP_BATCH}`,
        [cutoff, cutoff, cutoff],
      );
      for (const { id } of idle) {
        // From here on the guest can neither ask nor be claimed.
        const { ids } = await sessions.endAll(em, id, SessionEndReason.GUEST_IDLE);
        sessions.closeConnections(ids);
        await deletion.run(em, id);
        events.report({ type: 'account_deleted', userId: id });
      }
      if (idle.length < CLEAN_UP_BATCH) return;
    }
  }
}
