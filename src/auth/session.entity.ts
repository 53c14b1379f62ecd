import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { newId } from '../platform/db/ids.js';
import { User } from './user.entity.js';

/** Why a session ended before its time; kept for audit. */
export enum SessionEnd {
  LOGOUT = 'LOGOUT',
  LOGOUT_ALL = 'LOGOUT_ALL',
  PASSWORD_CHANGED = 'PASSWORD_CHANGED',
  TOKEN_REUSED = 'TOKEN_REUSED',
}

/** One sign-in, and the family of refresh tokens that descend from it. Access tokens name it, so ending it ends them. */
@Entity({ tableName: 'sessions' })
@Index({ properties: ['user', 'endedAt'] })
@Index({ properties: ['expiresAt'] })
@Index({ properties: ['endedAt'] })
@ObjectType({ description: 'One sign-in.' })
export class Session {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The session's id." })
  id: string = newId();

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'What the browser or program that signed in called itself.' })
  userAgent: string | null = null;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When it began.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When it last signed in or traded its refresh token.' })
  lastUsedAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When it ends unless its refresh token is traded before.' })
  expiresAt!: Date;

  @Property({ type: 'datetime', length: 3, nullable: true })
  endedAt: Date | null = null;

  @Enum({ items: () => SessionEnd, nullable: true })
  endReason: SessionEnd | null = null;
}
