import { topic } from '../platform/pubsub/bus.js';

/** This conversation is gone, with its messages: an answer in progress has nowhere to go. */
export const conversationDeleted = topic<{ conversationId: string; ownerId: string }>('conversation-deleted');
