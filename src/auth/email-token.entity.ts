import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { MailKind } from './mail-texts.js';
import { User } from './user.entity.js';

/** The token of a link in a mail that has not been used. Only its hash is stored. */
@Entity({ tableName: 'email_tokens' })
@Index({ properties: ['user', 'purpose'] })
@Index({ properties: ['expiresAt'] })
export class EmailToken {
  /** SHA-256 of the token in base64url. */
  @PrimaryKey({ type: 'text' })
  hash!: string;

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @Property({ type: 'text' })
  purpose!: MailKind;

  /** The email that the mail was sent to. */
  @Property({ type: 'text' })
  emailKey!: string;

  @Property({ type: 'datetime', length: 3 })
  expiresAt!: Date;
}
