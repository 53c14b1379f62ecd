import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { newId } from '../platform/db/ids.js';
import { User } from './user.entity.js';

/** One sign-in, and the family of refresh tokens that descend from it. Access tokens name it, so ending it ends them. */
@Entity({ tableName: 'sessions' })
@Index({ properties: ['user', 'endedAt'] })
export class Session {
  @PrimaryKey({ type: 'uuid' })
  id: string = newId();

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @Property({ type: 'text', nullable: true })
  userAgent: string | null = null;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  lastUsedAt: Date = new Date();

  /** When its newest refresh token expires. */
  @Property({ type: 'datetime', length: 3 })
  expiresAt!: Date;

  @Property({ type: 'datetime', length: 3, nullable: true })
  endedAt: Date | null = null;
}
