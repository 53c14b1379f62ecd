import type { Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { User } from '../auth/user.entity.js';
import { Message } from '../messages/message.entity.js';

/** A client's own id of a request, claimed in the transaction that stores what it asked: a retry asks nothing twice. */
@Entity({ tableName: 'asked_requests' })
@Index({ properties: ['answer'] })
export class AskedRequest {
  @ManyToOne(() => User, { primary: true, ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @PrimaryKey({ type: 'text' })
  requestId!: string;

  /** The answer that the request led to. */
  @ManyToOne(() => Message, { ref: true, deleteRule: 'cascade', index: false })
  answer!: Ref<Message>;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();
}
