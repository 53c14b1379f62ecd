import { Arg, Args, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import { Conversation } from '../conversations/conversation.entity.js';
import type { ConversationRow } from '../conversations/conversation.row.js';
import { findConversationsById } from '../conversations/conversation.service.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { PageArgs } from '../platform/graphql/pages.js';
import { AnswerError, toAnswerError } from './answer-error.js';
import { Message } from './message.entity.js';
import type { MessageRow } from './message.row.js';
import { findLastMessages, findMessagesById, type MessageService } from './message.service.js';
import { MessageStatus } from './message.enums.js';
import { MessageConnection, TokenUsage } from './message.types.js';
import { ToolCall } from './tool-call.entity.js';
import { findToolCalls } from './tool-calls.js';
import { UnverifiedClaim } from './unverified-claim.js';

@Resolver(() => Message)
export class MessageResolver {
  constructor(private readonly messages: MessageService) {}

  @Query(() => Message, { nullable: true, description: 'One of your messages; null if the id is unknown.' })
  message(
    @Arg('id', () => ID, { description: "The message's id." }) id: string,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Message | null> {
    return this.messages.find(em, viewer, id);
  }

  @FieldResolver(() => Conversation, { description: 'The conversation of the message.' })
  conversation(@Root() message: MessageRow, @Ctx() context: RequestContext): Promise<ConversationRow | null> {
    return context.loadRows(findConversationsById, message.conversation.id);
  }

  @FieldResolver(() => Int, {
    description:
      'The place of the message in the conversation, from 0. An answer keeps the place of the one that it replaced, and so does the replaced one.',
  })
  position(@Root() message: MessageRow, @Ctx() context: RequestContext): number | Promise<number | null> {
    // Not a promise, since a page has 50 of them.
    return message.position ?? this.#findPosition(message, context);
  }

  async #findPosition({ inReplyTo }: MessageRow, context: RequestContext): Promise<number | null> {
    const question = await context.loadRows(findMessagesById, inReplyTo!.id);
    return question && question.position! + 1;
  }

  @FieldResolver(() => AnswerError, {
    nullable: true,
    description: 'Why the answer failed; null unless the status is FAILED.',
  })
  error(@Root() message: MessageRow): AnswerError | null {
    return message.errorCode && toAnswerError(message.errorCode);
  }

  @FieldResolver(() => Message, {
    nullable: true,
    description: 'The question that this message answers; null for a question.',
  })
  inReplyTo(@Root() message: MessageRow, @Ctx() context: RequestContext): Promise<MessageRow | null> | null {
    return message.inReplyTo && context.loadRows(findMessagesById, message.inReplyTo.id);
  }

  @FieldResolver(() => Message, { nullable: true, description: 'The earlier answer that this one replaced.' })
  replaces(@Root() message: MessageRow, @Ctx() context: RequestContext): Promise<MessageRow | null> | null {
    return message.replaces && context.loadRows(findMessagesById, message.replaces.id);
  }

  @FieldResolver(() => [ToolCall], { description: 'What the model looked up for the answer, in order.' })
  toolCalls(
    @Root() { id, status, toolCallCount }: MessageRow,
    @Ctx() context: RequestContext,
  ): Promise<ToolCall[]> | [] {
    // Calls may have been added since the message was read.
    return toolCallCount > 0 || status === MessageStatus.STREAMING ? context.load(findToolCalls, id) : [];
  }

  @FieldResolver(() => [UnverifiedClaim], {
    description: 'Prices in the answer that nothing which the model was given confirms; complete when it is finished.',
  })
  unverifiedClaims(@Root() { unverifiedClaims }: MessageRow): UnverifiedClaim[] {
    return unverifiedClaims ?? [];
  }

  @FieldResolver(() => TokenUsage, {
    nullable: true,
    description: 'Tokens used for the answer; null for a question and until the answer is finished.',
  })
  usage(@Root() { status, promptTokens, completionTokens, usageEstimated }: MessageRow): TokenUsage | null {
    // An answer that is being continued has the figures of its beginning.
    if (status === MessageStatus.STREAMING || promptTokens === null || completionTokens === null) return null;
    return { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens, estimated: usageEstimated };
  }
}

/** Resolves the fields of Conversation that return messages. */
@Resolver(() => Conversation)
export class ConversationMessagesResolver {
  constructor(private readonly service: MessageService) {}

  @FieldResolver(() => MessageConnection, {
    description:
      'The messages in order of creation. Use `first`/`after` or `last`/`before`; by default, the last 50 are returned.',
  })
  async messages(
    @Root() conversation: ConversationRow,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: RequestContext,
  ): Promise<MessageConnection> {
    return new MessageConnection(await this.service.list(context.reader(), conversation.id, args));
  }

  @FieldResolver(() => Message, { nullable: true, description: 'The newest message.' })
  lastMessage(@Root() conversation: ConversationRow, @Ctx() context: RequestContext): Promise<MessageRow | null> {
    return context.loadRows(findLastMessages, conversation.id);
  }
}
