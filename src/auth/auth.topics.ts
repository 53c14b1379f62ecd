import { defineTopic } from '../platform/pubsub/bus.js';

/**
 * Sessions have ended, for any reason; subscribers close their open connections: at once, or when the answers that they
 * follow are finished.
 */
export const sessionsEnded = defineTopic<{ sessionIds: string[]; afterAnswers?: boolean }>('sessions-ended');

/** The access tokens of a session that are older than this version are revoked; the session continues. */
export const tokensRevoked = defineTopic<{ sessionId: string; tokenVersion: number }>('tokens-revoked');

/** The conversations of a guest belong to an account now. */
export const guestClaimed = defineTopic<{ guestId: string; userId: string }>('guest-claimed');

/** An account and all its data have been deleted. */
export const accountDeleted = defineTopic<{ userId: string }>('account-deleted');
