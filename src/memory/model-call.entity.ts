import type { Ref } from '@mikro-orm/core';
import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { User } from '../auth/user.entity.js';
import { newId } from '../platform/db/ids.js';

/** What the model was asked for. */
export enum ModelCallPurpose {
  ANSWER = 'ANSWER',
  TITLE = 'TITLE',
  METADATA = 'METADATA',
}

/** What one call of the provider cost. It stays when the conversation is deleted: it was paid for. */
@Entity({ tableName: 'model_calls' })
@Index({ properties: ['user', 'at'] })
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

  /** Counted here, since the provider sent no figures. */
  @Property({ type: 'boolean' })
  estimated!: boolean;
}
