import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { Conversation } from '../conversations/conversation.entity.js';
import { newId } from '../platform/db/ids.js';
import { AnswerErrorCode, MessageRole, MessageStatus } from './message.enums.js';

/** One row is a question or an answer. Relations are resolved in message.resolver.ts. */
@Entity({ tableName: 'messages' })
@Unique({ properties: ['conversation', 'position'] })
// One answer at a time: the database refuses a second one, however many askers race.
@Unique({ name: 'messages_one_streaming', properties: ['conversation'], where: "status = 'STREAMING'" })
@Index({ name: 'messages_lease', properties: ['leaseExpiresAt'], where: "status = 'STREAMING'" })
// Deletions that cascade look for these; PostgreSQL does not index foreign keys by itself.
@Index({ properties: ['inReplyTo'] })
@Index({ properties: ['replaces'] })
@ObjectType({ description: 'A question, or the answer to one.' })
export class Message {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The message's id; of an answer, what `answerStream` follows." })
  id: string = newId();

  @ManyToOne(() => Conversation, { ref: true, deleteRule: 'cascade', index: false })
  conversation!: Ref<Conversation>;

  /**
   * 0, 1, 2 … in order of creation: ids made within one millisecond, by several servers, have no order. Null for an
   * answer whose place another one took.
   */
  @Property({ type: 'integer', nullable: true })
  position!: number | null;

  @Enum({ items: () => MessageRole })
  @Field(() => MessageRole, { description: 'Who said it.' })
  role!: MessageRole;

  /** Of an answer being generated: what was saved last, at most a heartbeat old. */
  @Property({ type: 'text' })
  content: string = '';

  @Enum({ items: () => MessageStatus })
  @Field(() => MessageStatus, { description: 'A question is always COMPLETED.' })
  status!: MessageStatus;

  @Enum({ items: () => AnswerErrorCode, nullable: true })
  errorCode: AnswerErrorCode | null = null;

  @ManyToOne(() => Message, { ref: true, nullable: true, deleteRule: 'cascade', index: false })
  inReplyTo: Ref<Message> | null = null;

  @ManyToOne(() => Message, { ref: true, nullable: true, deleteRule: 'cascade', index: false })
  replaces: Ref<Message> | null = null;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'The model that answered, as the provider named it.' })
  model: string | null = null;

  @Property({ type: 'integer', nullable: true })
  promptTokens: number | null = null;

  @Property({ type: 'integer', nullable: true })
  completionTokens: number | null = null;

  @Property({ type: 'boolean', default: false })
  usageEstimated: boolean = false;

  /** The server instance that generates this answer, and the only one that may write it until the lease runs out. */
  @Property({ type: 'text', nullable: true })
  leaseOwner: string | null = null;

  @Property({ type: 'datetime', length: 3, nullable: true })
  leaseExpiresAt: Date | null = null;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When it was asked, or its generation began.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3, nullable: true })
  @Field(() => Date, {
    nullable: true,
    description: 'When the answer was finished, in whatever way; null for a question.',
  })
  finishedAt: Date | null = null;
}
