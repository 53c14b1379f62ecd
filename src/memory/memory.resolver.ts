import { FieldResolver, Resolver, Root } from 'type-graphql';
import { Conversation } from '../conversations/conversation.entity.js';
import type { ConversationRow } from '../conversations/conversation.row.js';
import { ConversationMetadata } from '../conversations/conversation-metadata.js';

@Resolver(() => Conversation)
export class MemoryResolver {
  @FieldResolver(() => ConversationMetadata, {
    nullable: true,
    description: 'What the assistant remembers of the conversation; null until the first update.',
  })
  metadata(@Root() conversation: ConversationRow): ConversationMetadata | null {
    return conversation.metadata;
  }
}
