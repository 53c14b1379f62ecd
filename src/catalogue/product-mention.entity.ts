import { BigIntType, type Ref } from '@mikro-orm/core';
import { Entity, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Message } from '../messages/message.entity.js';
import { newId } from '../platform/db/ids.js';

/** A product that an answer shows, as it was then. Only the instance with the answer's lease adds rows. */
@Entity({ tableName: 'product_mentions' })
@Index({ properties: ['answer', 'offset'] })
@Index({ properties: ['sku', 'id'] })
@ObjectType({ description: 'A product that an answer shows.' })
export class ProductMention {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The mention's id." })
  id: string = newId();

  @ManyToOne(() => Message, { ref: true, deleteRule: 'cascade', index: false })
  answer!: Ref<Message>;

  @Property({ type: 'integer' })
  @Field(() => Int, { description: 'Where in the content the product is shown, in UTF-16 code units.' })
  offset!: number;

  @Property({ type: 'text' })
  sku!: string;

  @Property({ type: 'text' })
  title!: string;

  @Property({ type: 'text', nullable: true })
  url!: string | null;

  @Property({ type: 'text', nullable: true })
  imageUrl!: string | null;

  /** In integer units of the currency's smallest coin; null together with the currency. */
  @Property({ type: new BigIntType('number'), nullable: true })
  price!: number | null;

  /** ISO 4217. */
  @Property({ type: 'text', nullable: true })
  currency!: string | null;

  @Property({ type: 'boolean' })
  available!: boolean;

  @Property({ type: 'datetime', length: 3 })
  checkedAt!: Date;
}

/** A mention without its answer: what clients see, and what instances tell one another. */
export type MentionedProduct = Omit<ProductMention, 'answer'>;

export const toMentionedProduct = (mention: ProductMention): MentionedProduct => ({
  id: mention.id,
  offset: mention.offset,
  sku: mention.sku,
  title: mention.title,
  url: mention.url,
  imageUrl: mention.imageUrl,
  price: mention.price,
  currency: mention.currency,
  available: mention.available,
  checkedAt: mention.checkedAt,
});
