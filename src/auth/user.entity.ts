import { Entity, Enum, Index, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { newId } from '../platform/db/ids.js';
import { Node } from '../platform/graphql/node.js';
import { Role } from './role.js';

@Entity({ tableName: 'users' })
@Index({ properties: ['role', 'createdAt'] })
@ObjectType({ description: 'A user account.', implements: Node })
export class User implements Node {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The user's id." })
  id: string = newId();

  @Property({ type: 'text', nullable: true })
  @Field(() => String, {
    nullable: true,
    description:
      'The email as it was registered, without surrounding white space. Null for a guest, and for a user of the identity provider who has no email that is free here.',
  })
  email: string | null = null;

  /** The normalized email, for comparison. See toEmailKey(). */
  @Property({ type: 'text', nullable: true })
  @Unique()
  emailKey: string | null = null;

  /** When the user proved that they receive the email. */
  @Property({ type: 'datetime', length: 3, nullable: true })
  emailVerifiedAt: Date | null = null;

  /** In the PHC string format. Null for a user without a password: a guest, or a user of the identity provider. */
  @Property({ type: 'text', lazy: true, nullable: true })
  passwordHash: string | null = null;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'The display name.' })
  name: string | null = null;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'E.164 format, such as +14155550123.' })
  phone: string | null = null;

  @Enum({ items: () => Role })
  @Field(() => Role, { description: 'What the user is permitted to do.' })
  role: Role = Role.USER;

  /** Set by an operator: the account cannot sign in. */
  @Property({ type: 'datetime', length: 3, nullable: true })
  @Field(() => Date, {
    nullable: true,
    description: 'When an operator disabled the account, which cannot sign in since then; null if it can.',
  })
  disabledAt: Date | null = null;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When the account was created.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3, onUpdate: () => new Date() })
  @Field(() => Date, { description: 'When the account last changed.' })
  updatedAt: Date = new Date();
}
