import { ArgsType, Field, ID, InputType, Int } from 'type-graphql';
import { connectionOf } from '../platform/graphql/pages.js';
import { Characters, CleanText, NoControlCharacters, NotBlank } from '../platform/graphql/text-rules.js';
import { Conversation } from './conversation.entity.js';

export const LONGEST_TITLE = 120;

export const ConversationConnection = connectionOf('Conversation', Conversation);
export type ConversationConnection = InstanceType<typeof ConversationConnection>;

@ArgsType()
export class ConversationsArgs {
  @Field(() => Int, { defaultValue: 20, description: 'The first so many, 1 to 100.' })
  first!: number;

  @Field(() => String, { nullable: true, description: 'Only what comes after this cursor.' })
  after?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Words, or the beginnings of words, that must all be found in the title or the messages.',
  })
  search?: string | null;
}

@InputType({ description: 'A new name for a conversation.' })
export class RenameConversationInput {
  @Field(() => ID, { description: "The conversation's id." })
  id!: string;

  @Field(() => String, { description: '1 to 120 characters.' })
  @Characters(1, LONGEST_TITLE)
  @NotBlank()
  @NoControlCharacters()
  @CleanText()
  title!: string;
}

@InputType({ description: 'The conversation to delete.' })
export class DeleteConversationInput {
  @Field(() => ID, { description: "The conversation's id." })
  id!: string;
}
