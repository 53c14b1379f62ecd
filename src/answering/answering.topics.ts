import { defineTopic } from '../platform/pubsub/bus.js';

/** A session of the user wants to stop this answer; the instance that generates it reacts. */
export const stopRequested = defineTopic<{ answerId: string; sessionId: string }>('stop-requested');
