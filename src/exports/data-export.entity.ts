import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { User } from '../auth/user.entity.js';

/** A link to an export that has not been used. Only the hash of its token is stored. */
@Entity({ tableName: 'data_exports' })
@Index({ properties: ['user', 'expiresAt'] })
@Index({ properties: ['expiresAt'] })
export class DataExportLink {
  /** SHA-256 of the token in base64url. */
  @PrimaryKey({ type: 'text' })
  hash!: string;

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @Property({ type: 'datetime', length: 3 })
  expiresAt!: Date;
}
