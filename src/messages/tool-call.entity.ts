import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, ManyToOne, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { newId } from '../platform/db/ids.js';
import { Message } from './message.entity.js';
import { ToolCallState } from './message.enums.js';

/** What a model looked up while it answered. Only the instance with the answer's lease writes it. */
@Entity({ tableName: 'tool_calls' })
@Unique({ properties: ['answer', 'position'] })
@ObjectType({ description: 'A look-up of the model.' })
export class ToolCall {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The look-up's id." })
  id: string = newId();

  @ManyToOne(() => Message, { ref: true, deleteRule: 'cascade', index: false })
  answer!: Ref<Message>;

  /** 0, 1, 2 … within the answer. */
  @Property({ type: 'integer' })
  position!: number;

  @Property({ type: 'text' })
  @Field(() => String, { description: 'The name of the tool, as the model gave it.' })
  name!: string;

  @Enum({ items: () => ToolCallState })
  @Field(() => ToolCallState, { description: 'How far it has got.' })
  state: ToolCallState = ToolCallState.RUNNING;

  @Property({ type: 'text' })
  @Field(() => String, {
    description: 'As the model gave them: a JSON object, unless the call FAILED because they are not one.',
  })
  arguments!: string;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, {
    nullable: true,
    description:
      'What the model was told: a JSON document. Null while the call is RUNNING. `{"error":"interrupted"}` if the answer was stopped or interrupted meanwhile.',
  })
  result: string | null = null;

  @Property({ type: 'integer' })
  @Field(() => Int, { description: 'Its place in the content, in UTF-16 code units.' })
  offset!: number;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();

  @Property({ type: 'datetime', length: 3, nullable: true })
  finishedAt: Date | null = null;
}
