import { BigIntType } from '@mikro-orm/core';
import { Entity, Index, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { newId } from '../platform/db/ids.js';
import { Field, ID, ObjectType } from 'type-graphql';
import { Node } from '../platform/graphql/node.js';

@ObjectType({ description: 'A property of a product, such as a colour.' })
export class ProductAttribute {
  @Field(() => String, { description: 'The name of the property.' })
  name!: string;

  @Field(() => String, { description: 'The value of the property.' })
  value!: string;
}

/** A product that the shop offers. Its rows in `product_facets` and in the search index follow it. */
@Entity({ tableName: 'products' })
@Index({ properties: ['title', 'id'] })
@Index({ properties: ['currency', 'price'] })
@ObjectType({ description: 'A product of the catalogue.', implements: Node })
export class Product implements Node {
  @PrimaryKey({ type: 'uuid' })
  @Field(() => ID, { description: "The product's id." })
  id: string = newId();

  @Property({ type: 'text' })
  @Unique()
  @Field(() => String, { description: "The shop's own id of the product." })
  sku!: string;

  @Property({ type: 'text' })
  @Field(() => String, { description: 'The name that customers know.' })
  title!: string;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'A text about the product.' })
  description: string | null = null;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'The page of the product (http or https).' })
  url: string | null = null;

  @Property({ type: 'text', nullable: true })
  @Field(() => String, { nullable: true, description: 'A picture of the product (http or https).' })
  imageUrl: string | null = null;

  /** In integer units of the currency's smallest coin; null together with the currency. */
  @Property({ type: new BigIntType('number'), nullable: true })
  price: number | null = null;

  /** ISO 4217. */
  @Property({ type: 'text', nullable: true })
  currency: string | null = null;

  @Property({ type: 'boolean' })
  @Field(() => Boolean, { description: 'Whether it can be bought now.' })
  available: boolean = true;

  @Property({ type: 'json' })
  @Field(() => [String], { description: 'The categories of the product.' })
  categories: string[] = [];

  @Property({ type: 'json' })
  @Field(() => [ProductAttribute], { description: 'The properties of the product.' })
  attributes: ProductAttribute[] = [];

  @Property({ type: 'datetime', length: 3 })
  @Field(() => Date, { description: 'When it was added or last changed.' })
  updatedAt: Date = new Date();
}
