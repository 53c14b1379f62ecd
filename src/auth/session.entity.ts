import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { newId } from '../platform/db/ids.js';
import { User } from './user.entity.js';

/** Why a session ended before it expired; kept for audits. */
export enum SessionEndReason {
  LOGOUT = 'LOGOUT',
  LOGOUT_ALL = 'LOGOUT_ALL',
  PASSWORD_CHANGED = 'PASSWORD_CHANGED',
  TOKEN_REUSED = 'TOKEN_REUSED',
  ACCOUNT_DISABLED = 'ACCOUNT_DISABLED',
  PASSWORD_RESET = 'PASSWORD_RESET',
  GUEST_CLAIMED = 'GUEST_CLAIMED',
  GUEST_IDLE = 'GUEST_IDLE',
}

/** A sign-in and the family of refresh tokens issued for it. Access tokens name their session and end with it. */
@Entity({ tableName: 'sessions' })
@Index({ properties: ['user', 'endedAt'] })
@Index({ properties: ['expiresAt'] })
@Index({ properties: ['endedAt'] })
@ObjectType({ description: 'A sign-in on one device.' })
export class Session {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The session's id." })
  id: string = newId();

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'The User-Agent header of the request that signed in.' })
  userAgent: string | null = null;

  /** A keyed hash of the client's IP address. See hashAddress(). */
  @Property({ type: 'text', nullable: true })
  addressHash: string | null = null;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When the session started.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When the session started or its refresh token was last exchanged.' })
  lastUsedAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When the session expires unless its refresh token is exchanged before.' })
  expiresAt!: Date;

  /** The generation of the refresh tokens that are issued now. No token of this generation has been used. */
  @Property({ type: 'integer', default: 0 })
  generation: number = 0;

  /** Access tokens with another version are invalid. */
  @Property({ type: 'integer', default: 0 })
  tokenVersion: number = 0;

  @Property({ type: 'datetime', length: 3, nullable: true })
  endedAt: Date | null = null;

  @Enum({ items: () => SessionEndReason, nullable: true })
  endReason: SessionEndReason | null = null;

  /** The account that has claimed the guest of this session. Without a foreign key: a deleted account changes nothing. */
  @Property({ type: 'uuid', nullable: true })
  claimedBy: string | null = null;
}
