import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { User } from '../auth/user.entity.js';
import { newId } from '../platform/db/ids.js';
import { type ConversationMetadata, SaleStatus } from './conversation-metadata.js';

/** Who gave a conversation its title. The user's word is the last one. */
export enum TitleSource {
  PROVISIONAL = 'PROVISIONAL',
  GENERATED = 'GENERATED',
  USER = 'USER',
}

@Entity({ tableName: 'conversations' })
@Index({ properties: ['owner', 'updatedAt', 'id'] })
@Index({ properties: ['owner', 'saleStatus', 'updatedAt'] })
@Index({ properties: ['updatedAt', 'saleStatus'] })
@ObjectType({ description: 'A talk between one user and the assistant.' })
export class Conversation {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The conversation's id." })
  id: string = newId();

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  owner!: Ref<User>;

  @Property({ type: 'text' })
  @Field(() => String, {
    description: 'The beginning of the first question until the assistant has named the conversation, or you have.',
  })
  title!: string;

  @Enum({ items: () => TitleSource })
  titleSource: TitleSource = TitleSource.PROVISIONAL;

  @Property({ type: 'json', nullable: true })
  metadata: ConversationMetadata | null = null;

  /** Counts the updates of the metadata: of two that are made at once, the database takes one. */
  @Property({ type: 'integer' })
  metadataVersion: number = 0;

  /** Messages below this position are in the metadata; a prompt holds the others. */
  @Property({ type: 'integer' })
  coveredPosition: number = 0;

  @Property({ type: 'integer' })
  @Field(() => Int, {
    description:
      'Messages not yet taken into the metadata: 0, 2 or 4; 6 and more while an update is under way or fails.',
  })
  messagesSinceContextUpdate: number = 0;

  /** The metadata's, in a column of its own for the reports. */
  @Enum({ items: () => SaleStatus, nullable: true })
  saleStatus: SaleStatus | null = null;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When its first question was asked.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When something was last said in it, or its title or metadata last changed.' })
  updatedAt: Date = new Date();
}
