import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Conversation } from '../conversations/conversation.entity.js';
import { Message } from '../messages/message.entity.js';
import { Characters, CleanText, NotBlank } from '../platform/graphql/text-rules.js';

export const LONGEST_QUESTION = 32_000;
export const LONGEST_REQUEST_ID = 64;

@InputType({ description: 'A question.' })
export class AskQuestionInput {
  @Field(() => String, { description: '1 to 32,000 characters, not blank.' })
  @Characters(1, LONGEST_QUESTION)
  @NotBlank()
  @CleanText()
  question!: string;

  @Field(() => ID, { nullable: true, description: 'The conversation to continue; left out, a new one is started.' })
  conversationId?: string | null;

  @Field(() => Boolean, {
    defaultValue: true,
    description: 'Whether to return as soon as the question is stored, or with the finished answer.',
  })
  stream!: boolean;

  @Field(() => ID, {
    nullable: true,
    description: [
      'Your own id for this request, up to 64 characters. Asking again with the same one asks nothing twice: it answers with',
      "the first request's conversation, question and answer as they are now.",
    ].join('\n'),
  })
  @Characters(1, LONGEST_REQUEST_ID)
  @CleanText()
  requestId?: string | null;
}

@InputType({ description: 'The answer to stop.' })
export class StopAnswerInput {
  @Field(() => ID, { description: "The answer's id." })
  answerId!: string;
}

@InputType({ description: 'The answer to be replaced.' })
export class RegenerateAnswerInput {
  @Field(() => ID, { description: "The id of the conversation's last answer." })
  answerId!: string;

  @Field(() => Boolean, {
    defaultValue: true,
    description: 'Whether to return as soon as the new answer has begun, or when it is finished.',
  })
  stream!: boolean;

  @Field(() => ID, { nullable: true, description: 'As for askQuestion.' })
  @Characters(1, LONGEST_REQUEST_ID)
  @CleanText()
  requestId?: string | null;
}

@ObjectType({ description: 'A question that was stored, and its answer.' })
export class AskQuestionPayload {
  @Field(() => Conversation, { description: 'The conversation that was started or continued.' })
  conversation!: Conversation;

  @Field(() => Message, { description: 'The question.' })
  question!: Message;

  @Field(() => Message, { description: 'The answer: STREAMING, or finished where that was asked for.' })
  answer!: Message;
}
