import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { conversationsById } from '../conversations/conversation.service.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { PageArgs } from '../platform/graphql/pages.js';
import { AnswerError, answerError } from './answer-error.js';
import { Message } from './message.entity.js';
import { lastMessages, messagesById, type MessageService } from './message.service.js';
import { MessageConnection, TokenUsage } from './message.types.js';

@Resolver(() => Message)
export class MessageResolver {
  constructor(private readonly messages: MessageService) {}

  @Query(() => Message, { nullable: true, description: 'One of your messages, or null.' })
  message(
    @Arg('id', () => ID, { description: "The message's id." }) id: string,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Message | null> {
    return this.messages.find(em, viewer, id);
  }

  @FieldResolver(() => Conversation, { description: 'The conversation that it belongs to.' })
  conversation(@Root() message: Message, @Ctx() context: RequestContext): Promise<Conversation | null> {
    return context.load(conversationsById, message.conversation.id);
  }

  @FieldResolver(() => AnswerError, { nullable: true, description: 'Why the answer failed; null unless it did.' })
  error(@Root() message: Message): AnswerError | null {
    return message.errorCode && answerError(message.errorCode);
  }

  @FieldResolver(() => Message, { nullable: true, description: 'The question that this answers.' })
  inReplyTo(@Root() message: Message, @Ctx() context: RequestContext): Promise<Message | null> | null {
    return message.inReplyTo && context.load(messagesById, message.inReplyTo.id);
  }

  @FieldResolver(() => Message, { nullable: true, description: 'The earlier answer whose place this one took.' })
  replaces(@Root() message: Message, @Ctx() context: RequestContext): Promise<Message | null> | null {
    return message.replaces && context.load(messagesById, message.replaces.id);
  }

  @FieldResolver(() => TokenUsage, {
    nullable: true,
    description: 'What the answer cost; null for a question, and until the answer is finished.',
  })
  usage(@Root() { promptTokens, completionTokens, usageEstimated }: Message): TokenUsage | null {
    if (promptTokens === null || completionTokens === null) return null;
    return { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens, estimated: usageEstimated };
  }
}

/** What a conversation has to show of its messages. */
@Resolver(() => Conversation)
export class ConversationMessagesResolver {
  constructor(private readonly service: MessageService) {}

  @FieldResolver(() => MessageConnection, {
    description: 'In order of creation. Give `first`/`after` or `last`/`before`; neither is the last 50.',
  })
  async messages(
    @Root() conversation: Conversation,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: RequestContext,
  ): Promise<MessageConnection> {
    return new MessageConnection(await this.service.page(context.reader(), conversation.id, args));
  }

  @FieldResolver(() => Message, { nullable: true, description: 'The newest message.' })
  lastMessage(@Root() conversation: Conversation, @Ctx() context: RequestContext): Promise<Message | null> {
    return context.load(lastMessages, conversation.id);
  }
}
