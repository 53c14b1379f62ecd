import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Session } from './session.entity.js';

/** An issued refresh token. Only its hash is stored. */
@Entity({ tableName: 'refresh_tokens' })
@Index({ properties: ['session', 'expiresAt'] })
export class RefreshToken {
  /** SHA-256 of the token in base64url. See hashRefreshToken(). */
  @PrimaryKey({ type: 'text' })
  hash!: string;

  @ManyToOne(() => Session, { ref: true, deleteRule: 'cascade', index: false })
  session!: Ref<Session>;

  /** The generation of its session when it was issued. */
  @Property({ type: 'integer', default: 0 })
  generation: number = 0;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3 })
  expiresAt!: Date;

  /** When it was exchanged. The row is kept as long as its session, so that reuse of the token is detected. */
  @Property({ type: 'datetime', length: 3, nullable: true })
  spentAt: Date | null = null;
}
