import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** The account of the row that counts the tokens of the whole installation. */
export const EVERYONE = '';

/** The account of the row that counts the tokens of all guests. */
export const GUESTS = 'guests';

/** The tokens of an account and a UTC day, as far as a quota or a budget limits them. Written with upserts only. */
@Entity({ tableName: 'daily_tokens' })
export class DailyTokens {
  /** Such as 2026-11-26. */
  @PrimaryKey({ type: 'text' })
  day!: string;

  /** A keyed hash, which outlives the account, `GUESTS` or `EVERYONE`. */
  @PrimaryKey({ type: 'text' })
  account!: string;

  /** The tokens of finished provider calls. */
  @Property({ type: new BigIntType('number') })
  spent!: number;

  /** The estimated tokens of running answers. */
  @Property({ type: new BigIntType('number') })
  reserved!: number;
}
