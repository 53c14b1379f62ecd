import { Arg, Ctx, Field, FieldResolver, ID, ObjectType, Resolver, Root, Subscription } from 'type-graphql';
import { Conversation } from '../conversations/conversation.entity.js';
import {
  conversationChanged,
  ConversationUpdateType,
  type ConversationChange,
} from '../conversations/conversation.events.js';
import { conversationsById, type ConversationService } from '../conversations/conversation.service.js';
import { cancellable } from '../platform/graphql/cancellable.js';
import type { RequestContext } from '../platform/graphql/context.js';
import type { Bus } from '../platform/pubsub/bus.js';
import { pendingEvents } from '../platform/pubsub/pending-events.js';
import { Message } from './message.entity.js';
import { messagesById } from './message.service.js';

@ObjectType({ description: 'What has happened to one of your conversations.' })
export class ConversationUpdate {
  @Field(() => ConversationUpdateType, { description: 'What it was.' })
  type!: ConversationUpdateType;

  @Field(() => ID, { description: 'Which conversation.' })
  conversationId!: string;

  messageId?: string;
}

@Resolver(() => ConversationUpdate)
export class ConversationUpdatesResolver {
  constructor(
    private readonly conversations: ConversationService,
    private readonly bus: Bus,
  ) {}

  @Subscription(() => ConversationUpdate, {
    subscribe: ({ args, context }) =>
      (context as RequestContext)
        .resolver(ConversationUpdatesResolver)
        .follow((args as { conversationId?: string | null }).conversationId ?? null, context as RequestContext),
    description: 'What happens to your conversations, or to one of them: keeps lists in step across tabs and devices.',
  })
  conversationUpdates(
    @Root() change: ConversationChange,
    @Arg('conversationId', () => ID, { nullable: true, description: 'Only this one; left out, all of yours.' })
    _conversationId: string | null,
  ): ConversationUpdate {
    return change;
  }

  @FieldResolver(() => Conversation, { nullable: true, description: 'Null once deleted.' })
  conversation(
    @Root() { conversationId }: ConversationUpdate,
    @Ctx() context: RequestContext,
  ): Promise<Conversation | null> {
    return context.load(conversationsById, conversationId);
  }

  @FieldResolver(() => Message, { nullable: true, description: 'The message, for MESSAGE_ADDED and ANSWER_FINISHED.' })
  message(@Root() { messageId }: ConversationUpdate, @Ctx() context: RequestContext): Promise<Message | null> | null {
    return messageId ? context.load(messagesById, messageId) : null;
  }

  follow(conversationId: string | null, context: RequestContext) {
    return cancellable(async (signal) => {
      const viewer = await context.viewer();
      if (conversationId !== null) await this.conversations.get(context.em, viewer, conversationId, 'conversationId');
      return pendingEvents(this.bus, conversationChanged, signal, {
        isWanted: (change) =>
          change.ownerId === viewer.userId && (conversationId === null || change.conversationId === conversationId),
        // What is told is read when it is told: one of several that are the same says it all.
        keyOf: ({ type, conversationId: id, messageId }) => `${type} ${id} ${messageId ?? ''}`,
      });
    });
  }
}
