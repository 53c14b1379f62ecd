import { Arg, Ctx, Field, FieldResolver, ID, ObjectType, Resolver, Root, Subscription } from 'type-graphql';
import { Conversation } from '../conversations/conversation.entity.js';
import type { ConversationRow } from '../conversations/conversation.row.js';
import {
  conversationChanged,
  ConversationUpdateType,
  type ConversationChange,
} from '../conversations/conversation.topics.js';
import { findConversationsById, type ConversationService } from '../conversations/conversation.service.js';
import { ConversationEdge } from '../conversations/conversation.types.js';
import type { Edge } from '../platform/db/find-page.js';
import { createCancellableGenerator } from '../platform/graphql/async-generators.js';
import type { RequestContext } from '../platform/graphql/context.js';
import type { Bus } from '../platform/pubsub/bus.js';
import { readPendingEvents } from '../platform/pubsub/pending-events.js';
import { Message } from './message.entity.js';
import type { MessageRow } from './message.row.js';
import { findMessagesById, type MessageService } from './message.service.js';
import { MessageEdge } from './message.types.js';

@ObjectType({ description: 'A change to one of your conversations.' })
export class ConversationUpdate {
  @Field(() => ConversationUpdateType, { description: 'The kind of change.' })
  type!: ConversationUpdateType;

  @Field(() => ID, { description: 'The id of the changed conversation; empty for READY.' })
  conversationId!: string;

  @Field(() => Boolean, {
    description:
      'Whether a request of this session caused the change: it asked, regenerated, stopped, renamed or deleted. False for titles and metadata that the assistant generated.',
  })
  ownSession!: boolean;

  messageId?: string;
}

@Resolver(() => ConversationUpdate)
export class ConversationUpdatesResolver {
  constructor(
    private readonly conversations: ConversationService,
    private readonly messages: MessageService,
    private readonly bus: Bus,
  ) {}

  @Subscription(() => ConversationUpdate, {
    subscribe: ({ args, context }) =>
      (context as RequestContext)
        .resolver(ConversationUpdatesResolver)
        .follow((args as { conversationId?: string | null }).conversationId ?? null, context as RequestContext),
    description: [
      'Changes to all your conversations, or to one of them. Keeps lists in sync across tabs and devices.',
      'The first event is READY. Read the list after it: all later changes are sent.',
    ].join('\n'),
  })
  conversationUpdates(
    @Root() update: ConversationUpdate,
    @Arg('conversationId', () => ID, {
      nullable: true,
      description: 'Return only changes to this conversation. By default, changes to all your conversations.',
    })
    _conversationId: string | null,
  ): ConversationUpdate {
    return update;
  }

  @FieldResolver(() => Conversation, {
    nullable: true,
    description: 'The conversation; null if it has been deleted, and for READY.',
  })
  async conversation(
    @Root() { type, conversationId }: ConversationUpdate,
    @Ctx() context: RequestContext,
  ): Promise<ConversationRow | null> {
    return type === ConversationUpdateType.READY ? null : await context.loadRows(findConversationsById, conversationId);
  }

  @FieldResolver(() => ConversationEdge, {
    nullable: true,
    description:
      'The conversation with its cursor in the list without a search; null if it has been deleted, and for READY.',
  })
  async conversationEdge(
    @Root() update: ConversationUpdate,
    @Ctx() context: RequestContext,
  ): Promise<Edge<ConversationRow> | null> {
    const conversation = await this.conversation(update, context);
    return conversation && this.conversations.toEdge(conversation);
  }

  @FieldResolver(() => Message, { nullable: true, description: 'The message, for MESSAGE_ADDED and ANSWER_FINISHED.' })
  async message(@Root() { messageId }: ConversationUpdate, @Ctx() context: RequestContext): Promise<MessageRow | null> {
    return messageId ? await context.loadRows(findMessagesById, messageId) : null;
  }

  @FieldResolver(() => MessageEdge, {
    nullable: true,
    description:
      'The message with its cursor, for MESSAGE_ADDED and ANSWER_FINISHED; null if the message has been replaced meanwhile.',
  })
  async messageEdge(
    @Root() update: ConversationUpdate,
    @Ctx() context: RequestContext,
  ): Promise<Edge<MessageRow> | null> {
    const message = await this.message(update, context);
    return message && this.messages.toEdge(message);
  }

  follow(conversationId: string | null, context: RequestContext) {
    return createCancellableGenerator(async (signal) => {
      const viewer = await context.viewer();
      if (conversationId !== null) await this.conversations.get(context.em, viewer, conversationId, 'conversationId');
      const changes = readPendingEvents(this.bus, conversationChanged, signal, {
        isWanted: (change) =>
          change.ownerId === viewer.userId && (conversationId === null || change.conversationId === conversationId),
        // An event's data is read when it is sent, so one of several equal events is enough.
        toKey: ({ type, conversationId: id, messageId }) => `${type} ${id} ${messageId ?? ''}`,
      });
      await this.bus.whenActive(conversationChanged);
      return toUpdates(changes, viewer.sessionId);
    });
  }
}

async function* toUpdates(
  changes: AsyncGenerator<ConversationChange, void>,
  sessionId: string,
): AsyncGenerator<ConversationUpdate, void> {
  yield { type: ConversationUpdateType.READY, conversationId: '', ownSession: false };
  for await (const { type, conversationId, messageId, sessionId: cause } of changes)
    yield { type, conversationId, messageId, ownSession: cause === sessionId };
}
