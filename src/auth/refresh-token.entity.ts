import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Session } from './session.entity.js';

/** A refresh token that was given out. The token itself is never stored. */
@Entity({ tableName: 'refresh_tokens' })
@Index({ properties: ['session', 'expiresAt'] })
export class RefreshToken {
  /** SHA-256 of the token, in base64url: enough for 256 random bits, which nobody can guess. */
  @PrimaryKey({ type: 'text' })
  hash!: string;

  @ManyToOne(() => Session, { ref: true, deleteRule: 'cascade', index: false })
  session!: Ref<Session>;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  expiresAt!: Date;

  /** When it was traded for a new pair. It stays as long as its session, so that a stolen one is known again. */
  @Property({ type: 'datetime', length: 3, nullable: true })
  spentAt: Date | null = null;
}
