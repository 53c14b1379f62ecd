import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { newId } from '../platform/db/ids.js';
import { User } from './user.entity.js';

export enum SecurityEventType {
  REGISTERED = 'REGISTERED',
  SIGNED_IN = 'SIGNED_IN',
  SIGN_IN_FAILED = 'SIGN_IN_FAILED',
  SIGNED_OUT = 'SIGNED_OUT',
  SESSIONS_ENDED = 'SESSIONS_ENDED',
  REFRESH_TOKEN_REUSED = 'REFRESH_TOKEN_REUSED',
  PASSWORD_CHANGED = 'PASSWORD_CHANGED',
  PASSWORD_RESET = 'PASSWORD_RESET',
  EMAIL_VERIFIED = 'EMAIL_VERIFIED',
  ROLE_CHANGED = 'ROLE_CHANGED',
  DATA_EXPORTED = 'DATA_EXPORTED',
  GUEST_CLAIMED = 'GUEST_CLAIMED',
  IDENTITY_LINKED = 'IDENTITY_LINKED',
}

registerEnumType(SecurityEventType, {
  name: 'SecurityEventType',
  description: 'What happened to an account.',
  valuesConfig: {
    REGISTERED: { description: 'The account was created.' },
    SIGNED_IN: { description: 'A session started.' },
    SIGN_IN_FAILED: { description: 'A wrong password was given, or the account is disabled.' },
    SIGNED_OUT: { description: 'A session was ended by its user.' },
    SESSIONS_ENDED: { description: 'All sessions were ended, by the user or by an operator.' },
    REFRESH_TOKEN_REUSED: { description: 'An old refresh token was used. Its session was ended.' },
    PASSWORD_CHANGED: { description: 'The user set a new password.' },
    PASSWORD_RESET: { description: 'A new password was set without the old one.' },
    EMAIL_VERIFIED: { description: 'The user proved that they receive the email.' },
    ROLE_CHANGED: { description: 'An operator changed the role of the account.' },
    DATA_EXPORTED: { description: 'The data of the account was exported.' },
    GUEST_CLAIMED: { description: 'The conversations of a guest session became those of the account.' },
    IDENTITY_LINKED: { description: 'A user of the identity provider can sign in to the account since then.' },
  },
});

/** A security event of an account, for its user and for operators. Kept for 90 days. */
@Entity({ tableName: 'security_events' })
@Index({ properties: ['user', 'at', 'id'] })
@Index({ properties: ['at'] })
@ObjectType('SecurityEvent', { description: 'Something that happened to the security of your account.' })
export class SecurityEventEntry {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The event's id." })
  id: string = newId();

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  /** Text without a check, so that a new type needs no migration. */
  @Property({ type: 'text' })
  @Field(() => SecurityEventType, { description: 'What happened.' })
  type!: SecurityEventType;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When it happened.' })
  at: Date = new Date();

  @Property({ type: 'text', nullable: true })
  @Field(() => String, {
    nullable: true,
    description: 'The User-Agent header of the request; null if the event has no request.',
  })
  userAgent: string | null = null;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, {
    nullable: true,
    description: 'The network of the client: an IPv4 /24 or an IPv6 /48. Null if it is unknown.',
  })
  address: string | null = null;
}
