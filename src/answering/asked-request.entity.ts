import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { User } from '../auth/user.entity.js';
import { Message } from '../messages/message.entity.js';

/** A request id that a client has chosen, stored in the transaction of its exchange, so that a retry asks only once. */
@Entity({ tableName: 'asked_requests' })
@Index({ properties: ['answer'] })
export class AskedRequest {
  @ManyToOne(() => User, { primary: true, ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @PrimaryKey({ type: 'text' })
  requestId!: string;

  /** The answer of the request's exchange. Null when it was deleted: the id stays claimed as long as its user exists. */
  @ManyToOne(() => Message, { ref: true, nullable: true, deleteRule: 'set null', index: false })
  answer: Ref<Message> | null = null;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();
}
