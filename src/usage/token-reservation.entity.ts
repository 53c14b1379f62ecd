import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/**
 * The estimated tokens of a running answer. Without a foreign key, so that the row outlives a deleted conversation or
 * account: the one who deletes the row settles it, so it is settled once.
 */
@Entity({ tableName: 'token_reservations' })
@Index({ properties: ['createdAt'] })
export class TokenReservation {
  @PrimaryKey({ type: 'uuid' })
  answerId!: string;

  /** The row of `daily_tokens` that holds the reservation. */
  @Property({ type: 'text' })
  day!: string;

  @Property({ type: 'text' })
  account!: string;

  @Property({ type: 'integer' })
  promptTokens!: number;

  @Property({ type: 'integer' })
  completionTokens!: number;

  @Property({ type: 'datetime', length: 3 })
  createdAt: Date = new Date();
}
