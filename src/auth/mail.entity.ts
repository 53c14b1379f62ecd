import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { newId } from '../platform/db/ids.js';
import type { MailKind } from './mail-texts.js';

/**
 * A mail that is to be sent. It is stored in the transaction that causes it, and deleted when it is sent. Whether an
 * account has the email is found out when it is sent, so that a request takes as long for every email.
 */
@Entity({ tableName: 'mails' })
@Index({ properties: ['nextAttemptAt'] })
export class Mail {
  @PrimaryKey({ type: 'uuid' })
  id: string = newId();

  @Property({ type: 'text' })
  kind!: MailKind;

  /** See toEmailKey(). */
  @Property({ type: 'text' })
  emailKey!: string;

  @Property({ type: 'text' })
  language!: string;

  @Property({ type: 'integer' })
  attempts: number = 0;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();

  /** Also when the attempt of another instance is assumed to have failed. */
  @Property({ type: 'datetime', length: 3 })
  nextAttemptAt: Date = new Date();
}
