import { ref } from '@mikro-orm/core';
import {
  Arg,
  createUnionType,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { User } from '../../src/auth/user.entity.js';
import { Conversation } from '../../src/conversations/conversation.entity.js';
import { Message } from '../../src/messages/message.entity.js';
import { MessageRole, MessageStatus } from '../../src/messages/message.enums.js';
import type { EntityManager } from '../../src/platform/db/orm.js';
import type { UsualAnswers, UsualEvent } from './usual-answers.js';

export interface UsualContext {
  em: EntityManager;
  user: User;
  answers: UsualAnswers;
}

/** As long as the leases of Parley. */
const LEASE_MS = 8_000;

@ObjectType()
class PageInfo {
  @Field(() => Boolean) hasNextPage = false;
  @Field(() => Boolean) hasPreviousPage = false;
}

@ObjectType()
class ConversationConnection {
  @Field(() => [Conversation]) nodes!: Conversation[];
  @Field(() => PageInfo) pageInfo!: PageInfo;
}

@ObjectType()
class MessageConnection {
  @Field(() => [Message]) nodes!: Message[];
  @Field(() => PageInfo) pageInfo!: PageInfo;
}

@ObjectType()
class TokenUsage {
  @Field(() => Int) promptTokens!: number;
  @Field(() => Int) completionTokens!: number;
}

@InputType()
class AskQuestionInput {
  @Field(() => String) question!: string;
  @Field(() => ID, { nullable: true }) conversationId?: string;
  @Field(() => Boolean) stream = true;
}

@ObjectType()
class AskQuestionPayload {
  @Field(() => Conversation) conversation!: Conversation;
  @Field(() => Message) question!: Message;
  @Field(() => Message) answer!: Message;
}

@ObjectType()
class AnswerDelta {
  @Field(() => Int) offset!: number;
  @Field(() => String) text!: string;
}

@ObjectType()
class AnswerFinished {
  @Field(() => Message) answer!: Message;
}

const AnswerEvent = createUnionType({
  name: 'AnswerEvent',
  types: () => [AnswerDelta, AnswerFinished] as const,
  resolveType: (event) => ('answer' in event ? AnswerFinished : AnswerDelta),
});

@Resolver()
export class UsualResolver {
  @Query(() => User)
  me(@Ctx() { user }: UsualContext): User {
    return user;
  }

  @Query(() => ConversationConnection)
  async conversations(
    @Arg('first', () => Int) first: number,
    @Ctx() { em, user }: UsualContext,
  ): Promise<ConversationConnection> {
    const found = await em.find(
      Conversation,
      { owner: user },
      { orderBy: { updatedAt: 'desc', id: 'desc' }, limit: first + 1 },
    );
    return {
      nodes: found.slice(0, first),
      pageInfo: { hasNextPage: found.length > first, hasPreviousPage: false },
    };
  }

  @Query(() => Conversation, { nullable: true })
  conversation(@Arg('id', () => ID) id: string, @Ctx() { em, user }: UsualContext): Promise<Conversation | null> {
    return em.findOne(Conversation, { id, owner: user });
  }

  @Mutation(() => AskQuestionPayload)
  async askQuestion(
    @Arg('input', () => AskQuestionInput) { question: content, conversationId, stream }: AskQuestionInput,
    @Ctx() { em, user, answers }: UsualContext,
  ): Promise<AskQuestionPayload> {
    const now = new Date();
    const [question, answer] = [new Message(), new Message()];
    await em.transactional(async (tx) => {
      let conversation = new Conversation();
      if (conversationId) conversation = await tx.findOneOrFail(Conversation, { id: conversationId, owner: user });
      else Object.assign(conversation, { owner: ref(User, user.id), title: content.slice(0, 60) });
      conversation.updatedAt = now;
      const last = conversationId && (await tx.findOne(Message, { conversation }, { orderBy: { position: 'desc' } }));
      if (last && last.status === MessageStatus.STREAMING) throw new Error('The last answer is being generated.');
      const position = last ? last.position! + 1 : 0;
      const common = { conversation: ref(conversation), createdAt: now };
      const lease = { leaseOwner: 'usual', leaseExpiresAt: new Date(now.getTime() + LEASE_MS) };
      Object.assign(question, common, { position, role: MessageRole.USER, content, status: MessageStatus.COMPLETED });
      Object.assign(answer, common, lease, { position: position + 1, role: MessageRole.ASSISTANT });
      Object.assign(answer, { status: MessageStatus.STREAMING, inReplyTo: ref(question) });
      tx.persist([conversation, question, answer]);
    });
    const finished = answers.generate(answer.id);
    if (question.position === 0) void answers.generateTitle(answer.id, content);
    return { conversation: answer.conversation.unwrap(), question, answer: stream ? answer : await finished };
  }

  @Subscription(() => AnswerEvent, {
    subscribe({ args, context }) {
      const { answers, user } = context as UsualContext;
      return answers.follow(user.id, (args as { answerId: string }).answerId);
    },
  })
  answerStream(@Arg('answerId', () => ID) _answerId: string, @Root() event: UsualEvent): typeof AnswerEvent {
    return event;
  }
}

@Resolver(() => Conversation)
export class UsualConversationResolver {
  @FieldResolver(() => Message, { nullable: true })
  lastMessage(@Root() conversation: Conversation, @Ctx() { em }: UsualContext): Promise<Message | null> {
    return em.findOne(Message, { conversation }, { orderBy: { position: 'desc' } });
  }

  @FieldResolver(() => MessageConnection)
  async messages(
    @Arg('last', () => Int) last: number,
    @Root() conversation: Conversation,
    @Ctx() { em }: UsualContext,
  ): Promise<MessageConnection> {
    const found = await em.find(Message, { conversation }, { orderBy: { position: 'desc' }, limit: last + 1 });
    return {
      nodes: found.slice(0, last).reverse(),
      pageInfo: { hasPreviousPage: found.length > last, hasNextPage: false },
    };
  }
}

@Resolver(() => Message)
export class UsualMessageResolver {
  @FieldResolver(() => Int)
  position(@Root() message: Message): number {
    return message.position!;
  }

  @FieldResolver(() => String)
  content(@Root() message: Message): string {
    return message.content;
  }

  @FieldResolver(() => TokenUsage, { nullable: true })
  usage(@Root() { promptTokens, completionTokens }: Message): TokenUsage | null {
    return promptTokens === null || completionTokens === null ? null : { promptTokens, completionTokens };
  }
}
