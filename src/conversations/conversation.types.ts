import { ArgsType, Field, ID, InputType } from 'type-graphql';
import { createConnectionType, ForwardPageArgs } from '../platform/graphql/pages.js';
import { Characters, StorableText, NotBlank, VisibleText } from '../platform/graphql/validators.js';
import { Conversation } from './conversation.entity.js';
import type { ConversationRow } from './conversation.row.js';

export const MAX_TITLE_LENGTH = 120;

export const ConversationConnection = createConnectionType<Conversation, ConversationRow>('Conversation', Conversation);
export type ConversationConnection = InstanceType<typeof ConversationConnection>;
export const ConversationEdge = ConversationConnection.Edge;

@ArgsType()
export class ConversationsArgs extends ForwardPageArgs {
  @Field(() => String, {
    nullable: true,
    description:
      'Up to 8 words or beginnings of words, with at least 2 letters each (1 in scripts without spaces, such as Chinese, where words match anywhere). Each must occur in the title or in a message.',
  })
  search?: string | null;
}

@InputType({ description: 'The new title of a conversation.' })
export class RenameConversationInput {
  @Field(() => ID, { description: "The conversation's id." })
  id!: string;

  @Field(() => String, { description: `1 to ${MAX_TITLE_LENGTH} characters.` })
  @Characters(1, MAX_TITLE_LENGTH)
  @NotBlank()
  @VisibleText()
  @StorableText()
  title!: string;
}

@InputType({ description: 'The conversation to delete.' })
export class DeleteConversationInput {
  @Field(() => ID, { description: "The conversation's id." })
  id!: string;
}
