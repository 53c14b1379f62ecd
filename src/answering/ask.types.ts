import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Conversation } from '../conversations/conversation.entity.js';
import type { ConversationRow } from '../conversations/conversation.row.js';
import { Message } from '../messages/message.entity.js';
import type { MessageRow } from '../messages/message.row.js';
import { Characters, StorableText, NotBlank } from '../platform/graphql/validators.js';

const MAX_QUESTION_CHARACTERS = 32_000;
const MAX_REQUEST_ID_CHARACTERS = 64;

@InputType({ description: 'The question to ask.' })
export class AskQuestionInput {
  @Field(() => String, { description: '1 to 32,000 characters, not blank.' })
  @Characters(1, MAX_QUESTION_CHARACTERS)
  @NotBlank()
  @StorableText()
  question!: string;

  @Field(() => ID, { nullable: true, description: 'The conversation to continue. If omitted, a new one is started.' })
  conversationId?: string | null;

  @Field(() => Boolean, {
    defaultValue: true,
    description: 'Whether to return as soon as the question is stored instead of with the finished answer.',
  })
  stream!: boolean;

  @Field(() => ID, {
    nullable: true,
    description: [
      'An id that you choose for this request, up to 64 characters. A repeated request with the same id is not asked again:',
      "it returns the first request's conversation, question and answer as they are now, or NOT_FOUND if they were deleted.",
    ].join('\n'),
  })
  @Characters(1, MAX_REQUEST_ID_CHARACTERS)
  @StorableText()
  requestId?: string | null;
}

@InputType({ description: 'The answer to stop.' })
export class StopAnswerInput {
  @Field(() => ID, { description: 'The answer to stop.' })
  answerId!: string;
}

@InputType({ description: 'The answer to regenerate.' })
export class RegenerateAnswerInput {
  @Field(() => ID, { description: 'The last answer of a conversation.' })
  answerId!: string;

  @Field(() => Boolean, {
    defaultValue: true,
    description: 'Whether to return as soon as the new answer has started instead of when it is finished.',
  })
  stream!: boolean;

  @Field(() => ID, { nullable: true, description: 'As in `AskQuestionInput`.' })
  @Characters(1, MAX_REQUEST_ID_CHARACTERS)
  @StorableText()
  requestId?: string | null;
}

@InputType({ description: 'The answer to continue.' })
export class ContinueAnswerInput {
  @Field(() => ID, {
    description:
      'The last answer of a conversation: one that was cut by its length (LENGTH), or that was stopped or failed after some text.',
  })
  answerId!: string;

  @Field(() => Boolean, {
    defaultValue: true,
    description: 'Whether to return as soon as the answer goes on instead of when it is finished.',
  })
  stream!: boolean;

  @Field(() => ID, { nullable: true, description: 'As in `AskQuestionInput`.' })
  @Characters(1, MAX_REQUEST_ID_CHARACTERS)
  @StorableText()
  requestId?: string | null;
}

@ObjectType({ description: 'A stored question and its answer.' })
export class AskQuestionPayload {
  @Field(() => Conversation, { description: 'The conversation that was started or continued.' })
  conversation!: ConversationRow;

  @Field(() => Message, { description: 'The question.' })
  question!: MessageRow;

  @Field(() => Message, { description: 'The answer: STREAMING, or finished if `stream` was false.' })
  answer!: MessageRow;
}
