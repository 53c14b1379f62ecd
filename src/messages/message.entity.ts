import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { Conversation } from '../conversations/conversation.entity.js';
import { newId } from '../platform/db/ids.js';
import { Node } from '../platform/graphql/node.js';
import { AnswerErrorCode, FinishReason, MessageRole, MessageStatus } from './message.enums.js';
import type { UnverifiedClaim } from './unverified-claim.js';

/** A question or an answer. message.resolver.ts resolves the relations. */
@Entity({ tableName: 'messages' })
@Unique({ properties: ['conversation', 'position'] })
// One answer at a time: the database rejects a second one, also from concurrent requests.
@Unique({ name: 'messages_one_streaming', properties: ['conversation'], where: "status = 'STREAMING'" })
@Index({ name: 'messages_lease', properties: ['leaseExpiresAt'], where: "status = 'STREAMING'" })
// Cascading deletions search by these columns; PostgreSQL does not index foreign keys automatically.
@Index({ properties: ['inReplyTo'] })
@Index({ properties: ['replaces'] })
@ObjectType({ description: 'A question of the user or an answer of the assistant.', implements: Node })
export class Message implements Node {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The message's id. Pass the id of an answer to `answerStream` to follow it." })
  id: string = newId();

  @ManyToOne(() => Conversation, { ref: true, deleteRule: 'cascade', index: false })
  conversation!: Ref<Conversation>;

  /**
   * 0, 1, 2 … in order of creation, because ids created by several instances in the same millisecond are not ordered.
   * Null for an answer that has been replaced.
   */
  @Property({ type: 'integer', nullable: true })
  position!: number | null;

  /** Null if there is none. While an answer is generated: what the last heartbeat saved. */
  @Property({ type: 'text', nullable: true })
  reasoning: string | null = null;

  @Enum({ items: () => MessageRole })
  @Field(() => MessageRole, { description: 'The author of the message.' })
  role!: MessageRole;

  /** While an answer is generated: the text saved by the last heartbeat. */
  @Property({ type: 'text' })
  content: string = '';

  @Enum({ items: () => MessageStatus })
  @Field(() => MessageStatus, { description: 'Status of the message. A question is always COMPLETED.' })
  status!: MessageStatus;

  @Enum({ items: () => AnswerErrorCode, nullable: true })
  errorCode: AnswerErrorCode | null = null;

  @Enum({ items: () => FinishReason, nullable: true })
  @Field(() => FinishReason, {
    nullable: true,
    description: 'Why the model ended the answer; null if it did not end it by itself.',
  })
  finishReason: FinishReason | null = null;

  /** The id that the client gave the request that created the message. Idempotency uses `asked_requests` instead. */
  @Property({ type: 'text', nullable: true })
  @Field(() => ID, {
    nullable: true,
    description: 'The `requestId` of the request that created the message; null if it had none.',
  })
  requestId: string | null = null;

  @ManyToOne(() => Message, { ref: true, nullable: true, deleteRule: 'cascade', index: false })
  inReplyTo: Ref<Message> | null = null;

  @ManyToOne(() => Message, { ref: true, nullable: true, deleteRule: 'cascade', index: false })
  replaces: Ref<Message> | null = null;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, {
    nullable: true,
    description: 'The model that generated the answer, as named by the provider.',
  })
  model: string | null = null;

  @Property({ type: 'integer', nullable: true })
  promptTokens: number | null = null;

  @Property({ type: 'integer', nullable: true })
  completionTokens: number | null = null;

  @Property({ type: 'boolean', default: false })
  usageEstimated: boolean = false;

  /** The number of rows in `tool_calls`, so that answers without any are not looked up there. */
  @Property({ type: 'integer', default: 0 })
  toolCallCount: number = 0;

  /** The number of rows in `product_mentions`, so that answers without any are not looked up there. */
  @Property({ type: 'integer', default: 0 })
  productCount: number = 0;

  /** Null until the prices in the answer have been checked. */
  @Property({ type: 'json', nullable: true })
  unverifiedClaims: UnverifiedClaim[] | null = null;

  /** The instance that generates this answer. Only it may write the answer until the lease expires. */
  @Property({ type: 'text', nullable: true })
  leaseOwner: string | null = null;

  @Property({ type: 'datetime', length: 3, nullable: true })
  leaseExpiresAt: Date | null = null;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When the question was asked or the generation of the answer started.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3, nullable: true })
  @Field(() => Date, {
    nullable: true,
    description: 'When the answer was completed, was stopped, or failed; null for a question.',
  })
  finishedAt: Date | null = null;
}
