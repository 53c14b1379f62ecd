import { topic } from '../platform/pubsub/bus.js';

/** These sessions have ended, for whatever reason: their open connections are to be cut. */
export const sessionsEnded = topic<{ sessionIds: string[] }>('sessions-ended');

/** This account is gone, with all that it owned. */
export const accountDeleted = topic<{ userId: string }>('account-deleted');
