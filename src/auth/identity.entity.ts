import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { User } from './user.entity.js';

/** A user of the identity provider, and the account that belongs to them. */
@Entity({ tableName: 'identities' })
@Index({ properties: ['user', 'createdAt'] })
export class Identity {
  @PrimaryKey({ type: 'text' })
  issuer!: string;

  /** The `sub` claim: unique for the issuer, and never given to another user. */
  @PrimaryKey({ type: 'text' })
  subject!: string;

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();
}
