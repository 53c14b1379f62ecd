import { registerEnumType } from 'type-graphql';
import { topic } from '../platform/pubsub/bus.js';

export enum ConversationUpdateType {
  CREATED = 'CREATED',
  MESSAGE_ADDED = 'MESSAGE_ADDED',
  ANSWER_FINISHED = 'ANSWER_FINISHED',
  RENAMED = 'RENAMED',
  METADATA_UPDATED = 'METADATA_UPDATED',
  DELETED = 'DELETED',
}

registerEnumType(ConversationUpdateType, {
  name: 'ConversationUpdateType',
  description: 'What has happened to a conversation.',
  valuesConfig: {
    CREATED: { description: 'It was started.' },
    MESSAGE_ADDED: { description: 'A question was asked, or an answer has begun.' },
    ANSWER_FINISHED: { description: 'An answer has ended, in whatever way.' },
    RENAMED: { description: 'It has another title, by you or by the assistant.' },
    METADATA_UPDATED: { description: 'The assistant remembers something else of it.' },
    DELETED: { description: 'It is gone, with its messages.' },
  },
});

/** Something has happened, and is committed. */
export interface ConversationChange {
  type: ConversationUpdateType;
  ownerId: string;
  conversationId: string;
  messageId?: string;
}

export const conversationChanged = topic<ConversationChange>('conversation-changed');
