import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { User } from '../auth/user.entity.js';
import { newId } from '../platform/db/ids.js';

/** Why the model was called. */
export enum ModelCallPurpose {
  ANSWER = 'ANSWER',
  TITLE = 'TITLE',
  METADATA = 'METADATA',
}

/** The tokens of one provider call. The row stays when the conversation is deleted, because usage counts it. */
@Entity({ tableName: 'model_calls' })
@Index({ properties: ['user', 'at'] })
@Index({ properties: ['at'] })
export class ModelCall {
  @PrimaryKey({ type: 'uuid' })
  id: string = newId();

  @ManyToOne(() => User, { ref: true, deleteRule: 'cascade', index: false })
  user!: Ref<User>;

  @Property({ type: 'datetime', length: 3 })
  at: Date = new Date();

  @Enum({ items: () => ModelCallPurpose })
  purpose!: ModelCallPurpose;

  @Property({ type: 'integer' })
  promptTokens!: number;

  @Property({ type: 'integer' })
  completionTokens!: number;

  /** Whether Parley counted the tokens itself because the provider sent no usage. */
  @Property({ type: 'boolean' })
  estimated!: boolean;
}
