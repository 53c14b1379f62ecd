import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { User } from '../auth/user.entity.js';
import { newId } from '../platform/db/ids.js';

@Entity({ tableName: 'conversations' })
@Index({ properties: ['owner', 'updatedAt', 'id'] })
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

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When its first question was asked.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When something was last said in it, or its title or metadata last changed.' })
  updatedAt: Date = new Date();
}
