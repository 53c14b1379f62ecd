import { registerEnumType } from 'type-graphql';
import { defineTopic } from '../platform/pubsub/bus.js';

export enum ConversationUpdateType {
  READY = 'READY',
  CREATED = 'CREATED',
  MESSAGE_ADDED = 'MESSAGE_ADDED',
  ANSWER_FINISHED = 'ANSWER_FINISHED',
  RENAMED = 'RENAMED',
  METADATA_UPDATED = 'METADATA_UPDATED',
  DELETED = 'DELETED',
}

registerEnumType(ConversationUpdateType, {
  name: 'ConversationUpdateType',
  description: 'The kind of change to a conversation.',
  valuesConfig: {
    READY: {
      description: 'The first event of a subscription: no later change is missed. `conversationId` is empty.',
    },
    CREATED: { description: 'The conversation was created.' },
    MESSAGE_ADDED: { description: 'A question was added, or an answer was started.' },
    ANSWER_FINISHED: { description: 'An answer was completed, was stopped, or failed.' },
    RENAMED: { description: 'The title was changed by you or by the assistant.' },
    METADATA_UPDATED: { description: 'The metadata was updated.' },
    DELETED: { description: 'The conversation and its messages were deleted.' },
  },
});

/** A committed change to a conversation. */
export interface ConversationChange {
  type: ConversationUpdateType;
  ownerId: string;
  conversationId: string;
  messageId?: string;
  /** The session whose request caused the change; absent if the assistant or an operator caused it. */
  sessionId?: string;
}

export const conversationChanged = defineTopic<ConversationChange>('conversation-changed');
