import { topic } from '../platform/pubsub/bus.js';

/** Somebody wants this answer stopped; the instance that generates it does so. */
export const stopRequested = topic<{ answerId: string }>('stop-requested');
