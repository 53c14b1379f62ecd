import { ArgsType, Field, InputType, Int, ObjectType } from 'type-graphql';
import { createConnectionType, ForwardPageArgs } from '../platform/graphql/pages.js';
import { Product } from './product.entity.js';

export const MAX_IMPORT_SIZE = 500;

export const ProductConnection = createConnectionType('Product', Product);
export type ProductConnection = InstanceType<typeof ProductConnection>;

@ObjectType('Money', { description: 'An amount of money.' })
export class MoneyType {
  @Field(() => String, { description: "In the currency's main unit, as a decimal such as 289.00." })
  amount!: string;

  @Field(() => String, { description: 'ISO 4217.' })
  currency!: string;
}

@InputType({ description: 'An amount of money.' })
export class MoneyInput {
  @Field(() => String, { description: "In the currency's main unit, as a decimal such as 289.00." })
  amount!: string;

  @Field(() => String, { description: 'ISO 4217.' })
  currency!: string;
}

@InputType({ description: 'A property of a product, such as a colour.' })
export class ProductAttributeInput {
  @Field(() => String, { description: '1 to 100 characters.' })
  name!: string;

  @Field(() => String, { description: '1 to 500 characters.' })
  value!: string;
}

/** Its rules are in product-input.ts, which also reads files. */
@InputType({ description: 'A product that replaces the one with the same SKU.' })
export class ProductInput {
  @Field(() => String, {
    description:
      "The shop's own id: 1 to 64 characters, no square brackets, no control characters. The same SKU twice in one import is BAD_USER_INPUT.",
  })
  sku!: string;

  @Field(() => String, { description: '1 to 200 characters.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'Up to 5,000 characters.' })
  description?: string | null;

  @Field(() => String, { nullable: true, description: 'The page of the product, with http or https.' })
  url?: string | null;

  @Field(() => String, { nullable: true, description: 'A picture of the product, with http or https.' })
  imageUrl?: string | null;

  @Field(() => MoneyInput, { nullable: true, description: 'With at most the decimals of the currency.' })
  price?: MoneyInput | null;

  @Field(() => Boolean, { defaultValue: true, description: 'Whether it can be bought now.' })
  available!: boolean;

  @Field(() => [String], { nullable: true, description: 'Up to 20, with 1 to 200 characters each.' })
  categories?: string[] | null;

  @Field(() => [ProductAttributeInput], { nullable: true, description: 'Up to 50.' })
  attributes?: ProductAttributeInput[] | null;
}

@ObjectType({ description: 'What an import did.' })
export class ImportProductsPayload {
  @Field(() => Int, { description: 'Products with an SKU that was not known.' })
  added!: number;

  @Field(() => Int, { description: 'Products that differed from the stored ones.' })
  changed!: number;

  @Field(() => Int, { description: 'Products that were stored already.' })
  unchanged!: number;
}

@InputType({ description: 'Which products to include. Every condition must hold.' })
export class ProductFilter {
  @Field(() => Boolean, { nullable: true, description: 'Whether they can be bought now.' })
  available?: boolean | null;

  @Field(() => MoneyInput, {
    nullable: true,
    description: 'The lowest price. Excludes products with another currency.',
  })
  minPrice?: MoneyInput | null;

  @Field(() => MoneyInput, { nullable: true, description: 'The highest price, in the currency of `minPrice`.' })
  maxPrice?: MoneyInput | null;

  @Field(() => String, { nullable: true, description: 'A category, regardless of case.' })
  category?: string | null;

  @Field(() => [ProductAttributeInput], { nullable: true, description: 'Up to 20 attributes, regardless of case.' })
  attributes?: ProductAttributeInput[] | null;
}

@ArgsType()
export class ProductsArgs extends ForwardPageArgs {
  @Field(() => String, {
    nullable: true,
    description:
      'Up to 8 words or beginnings of words, as in `conversations`. Each must occur in the title, SKU, description, a category or an attribute.',
  })
  search?: string | null;

  @Field(() => ProductFilter, { nullable: true, description: 'Which products to include.' })
  filter?: ProductFilter | null;
}
