import { Entity, Enum, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { newId } from '../platform/db/ids.js';
import { Role } from './role.js';

@Entity({ tableName: 'users' })
@ObjectType({ description: 'An account.' })
export class User {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The account's id." })
  id: string = newId();

  @Property({ type: 'text' })
  @Field(() => String, { description: 'The address as it was registered.' })
  email!: string;

  /** What addresses are compared by: see emailKey(). */
  @Property({ type: 'text' })
  @Unique()
  emailKey!: string;

  /** In the PHC string format. */
  @Property({ type: 'text', lazy: true })
  passwordHash!: string;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'How the user likes to be called.' })
  name: string | null = null;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'E.164, such as +14155550123.' })
  phone: string | null = null;

  @Enum({ items: () => Role })
  @Field(() => Role, { description: 'What the user may do.' })
  role: Role = Role.USER;

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When the account was registered.' })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3, onUpdate: () => new Date() })
  @Field(() => Date, { description: 'When the account last changed.' })
  updatedAt: Date = new Date();
}
