import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { User } from '../auth/user.entity.js';
import { newId } from '../platform/db/ids.js';
import { Node } from '../platform/graphql/node.js';
import { type ConversationMetadata, SaleStatus } from './conversation-metadata.js';

/** Where a title comes from. A title set by the user is never overwritten. */
export enum TitleSource {
  PROVISIONAL = 'PROVISIONAL',
  GENERATED = 'GENERATED',
  USER = 'USER',
}

/** A conversation whose metadata lacks this many messages has had no update for long. */
export const OVERDUE_MESSAGES = 20;

@Entity({ tableName: 'conversations' })
@Index({ properties: ['owner', 'updatedAt', 'id'] })
@Index({ properties: ['owner', 'saleStatus', 'updatedAt'] })
@Index({ properties: ['updatedAt', 'saleStatus'] })
@Index({
  name: 'conversations_overdue',
  properties: ['updatedAt'],
  where: `messages_since_context_update >= ${OVERDUE_MESSAGES}`,
})
@ObjectType({ description: 'A conversation between a user and the assistant.', implements: Node })
export class Conversation implements Node {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The conversation's id." })
  id: string = newId();

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  owner!: Ref<User>;

  @Property({ type: 'text' })
  @Field(() => String, {
    description: 'The beginning of the first question, until the assistant generates a title or you set one.',
  })
  title!: string;

  @Enum({ items: () => TitleSource })
  titleSource: TitleSource = TitleSource.PROVISIONAL;

  @Property({ type: 'json', nullable: true })
  metadata: ConversationMetadata | null = null;

  /** Incremented by each update of the metadata, so that only one of two concurrent updates is stored. */
  @Property({ type: 'integer' })
  metadataVersion: number = 0;

  /** The metadata covers the messages below this position; a prompt contains the other messages. */
  @Property({ type: 'integer' })
  coveredPosition: number = 0;

  @Property({ type: 'integer' })
  @Field(() => Int, {
    description:
      'Number of messages not yet covered by the metadata: 0, 2 or 4; 6 or more while an update is running or failing.',
  })
  messagesSinceContextUpdate: number = 0;

  /** Copy of metadata.saleStatus in an indexed column, for reports. */
  @Enum({ items: () => SaleStatus, nullable: true })
  saleStatus: SaleStatus | null = null;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When the first question was asked.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, {
    description: 'When a message was last added or finished, or the title or metadata last changed.',
  })
  updatedAt: Date = new Date();
}
