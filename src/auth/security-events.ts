import { ref } from '@mikro-orm/core';
import { findPage, type Page, type Reader } from '../platform/db/find-page.js';
import type { EntityManager } from '../platform/db/orm.js';
import { RateLimitedError } from '../platform/errors/api-error.js';
import { unlimited, type RateLimiter } from '../platform/limits/rate-limiter.js';
import type { Logger } from '../platform/telemetry/log.js';
import { shortenAddress } from './client-address.js';
import type { Role } from './role.js';
import { SecurityEventEntry, SecurityEventType } from './security-event.entity.js';
import { SessionEndReason } from './session.entity.js';
import { toStoredUserAgent } from './user-agent.js';
import { User } from './user.entity.js';

const RETENTION_MS = 90 * 86_400_000;

/** The request that caused an event, and its client. Absent for commands. */
export interface EventOrigin {
  requestId?: string;
  address?: string;
  userAgent?: string | null;
}

export const toEventOrigin = ({ requestId, address, userAgent }: Required<EventOrigin>): EventOrigin => ({
  requestId,
  address,
  userAgent,
});

/** What happened to an account, or to the server's protection. */
export type SecurityEvent = SecurityEventDetails &
  EventOrigin & {
    /** The account; null if it is unknown. */
    userId: string | null;
  };

type SecurityEventDetails =
  | { type: 'registered' | 'signed_in' | 'guest_started'; sessionId: string }
  | { type: 'guest_claimed'; guestId: string }
  | SignInFailure
  | { type: 'session_ended'; sessionId: string; reason: SessionEndReason }
  | { type: 'sessions_ended'; count: number }
  | { type: 'refresh_token_reused'; sessionId: string }
  | { type: 'claim_rejected' }
  | { type: 'identity_token_rejected'; reason: string }
  | { type: 'password_confirmation_failed' | 'password_changed' | 'account_deleted' | 'data_exported' }
  | {
      type:
        | 'account_created'
        | 'account_disabled'
        | 'account_enabled'
        | 'password_reset'
        | 'email_verified'
        | 'identity_linked';
    }
  | { type: 'role_changed'; role: Role }
  | { type: 'limit_reached'; limit: string; by: 'address' | 'email' | 'user' | 'all' };

export interface SignInFailure {
  type: 'sign_in_failed';
  reason: 'unknown_email' | 'wrong_password' | 'account_disabled';
}

/** Events that an operator may want to look into. */
const SUSPICIOUS: ReadonlySet<SecurityEvent['type']> = new Set([
  'sign_in_failed',
  'password_confirmation_failed',
  'refresh_token_reused',
  'claim_rejected',
  'identity_token_rejected',
  'limit_reached',
]);

/** Records security events: a line in the log, and an entry that the user can read. Never emails, passwords and tokens. */
export class SecurityEvents {
  /** @param storedFailures limits the failures that are stored per account; others are only logged */
  constructor(
    private readonly log: Logger,
    private readonly storedFailures: RateLimiter = unlimited,
  ) {}

  /** Logs the event, and stores it if it belongs to an account. Call it after the commit. */
  async record(em: EntityManager, event: SecurityEvent): Promise<void> {
    this.report(event);
    const type = toStoredType(event);
    if (!type || event.userId === null) return;
    try {
      if (type === SecurityEventType.SIGN_IN_FAILED) await this.storedFailures.consume(event.userId);
      const entry = new SecurityEventEntry();
      entry.user = ref(User, event.userId);
      entry.type = type;
      entry.userAgent = toStoredUserAgent(event.userAgent ?? null);
      entry.address = event.address === undefined ? null : shortenAddress(event.address);
      await em.fork().persist(entry).flush();
    } catch (error) {
      // What happened has been committed, so the request must not fail.
      if (!(error instanceof RateLimitedError))
        this.log.error({ err: error, type }, 'Could not store a security event.');
    }
  }

  /** Logs an event that belongs to no account. */
  report({ userAgent: _, ...event }: SecurityEvent): void {
    this.log[SUSPICIOUS.has(event.type) ? 'warn' : 'info']({ event: 'security', ...event }, 'Security event');
  }

  /** Returns a page of the account's events, newest first. */
  list(
    reader: Reader,
    userId: string,
    page: { first: number; after?: string | null },
  ): Promise<Page<SecurityEventEntry>> {
    return findPage(reader, page, {
      entity: SecurityEventEntry,
      where: () => ({ user: userId, at: { $gt: new Date(Date.now() - RETENTION_MS) } }),
      orderBy: { at: 'desc', id: 'desc' },
      cursor: ['date', 'id'],
      defaultPage: { first: 20 },
    });
  }

  /** Deletes the events before the retention period. Returns the number of deleted rows. */
  cleanUp(em: EntityManager): Promise<number> {
    return em.nativeDelete(SecurityEventEntry, { at: { $lt: new Date(Date.now() - RETENTION_MS) } });
  }
}

/** Returns null for an event that users do not see. */
function toStoredType(event: SecurityEvent): SecurityEventType | null {
  switch (event.type) {
    case 'registered':
    case 'account_created':
      return SecurityEventType.REGISTERED;
    case 'signed_in':
      return SecurityEventType.SIGNED_IN;
    case 'sign_in_failed':
    case 'password_confirmation_failed':
      return SecurityEventType.SIGN_IN_FAILED;
    case 'session_ended':
      return event.reason === SessionEndReason.LOGOUT ? SecurityEventType.SIGNED_OUT : null;
    case 'sessions_ended':
    case 'account_disabled':
      return SecurityEventType.SESSIONS_ENDED;
    case 'refresh_token_reused':
      return SecurityEventType.REFRESH_TOKEN_REUSED;
    case 'password_changed':
      return SecurityEventType.PASSWORD_CHANGED;
    case 'password_reset':
      return SecurityEventType.PASSWORD_RESET;
    case 'email_verified':
      return SecurityEventType.EMAIL_VERIFIED;
    case 'identity_linked':
      return SecurityEventType.IDENTITY_LINKED;
    case 'role_changed':
      return SecurityEventType.ROLE_CHANGED;
    case 'data_exported':
      return SecurityEventType.DATA_EXPORTED;
    case 'guest_claimed':
      return SecurityEventType.GUEST_CLAIMED;
    case 'guest_started':
    case 'claim_rejected':
    case 'identity_token_rejected':
    case 'account_deleted':
    case 'account_enabled':
    case 'limit_reached':
      return null;
  }
}
