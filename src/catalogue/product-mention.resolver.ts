import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql';
import { Message } from '../messages/message.entity.js';
import { MessageStatus } from '../messages/message.enums.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { formatAmount } from './money.js';
import { ProductMention, type MentionedProduct } from './product-mention.entity.js';
import { findProductMentions, findProductsBySku } from './product-mentions.js';
import { Product } from './product.entity.js';
import { MoneyType } from './product.types.js';

@ObjectType({
  description: 'A product as it was when an answer showed it. It stays when the product is changed or removed.',
})
export class ShownProduct implements Omit<MentionedProduct, 'id' | 'offset'> {
  @Field(() => String, { description: "The shop's own id of the product." })
  sku!: string;

  @Field(() => String, { description: 'The name that customers know.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'The page of the product (http or https).' })
  url!: string | null;

  @Field(() => String, { nullable: true, description: 'A picture of the product (http or https).' })
  imageUrl!: string | null;

  price!: number | null;
  currency!: string | null;

  @Field(() => Boolean, { description: 'Whether it could be bought.' })
  available!: boolean;

  @Field(() => Date, { description: 'When this was read from the catalogue.' })
  checkedAt!: Date;
}

@Resolver(() => ShownProduct)
export class ShownProductResolver {
  @FieldResolver(() => MoneyType, { nullable: true, description: 'What it cost; null if the shop did not say.' })
  price(@Root() { price, currency }: ShownProduct): MoneyType | null {
    if (price === null || currency === null) return null;
    return { amount: formatAmount({ minorUnits: price, currency }), currency };
  }

  @FieldResolver(() => Product, { nullable: true, description: 'The product as it is now; null once it is gone.' })
  current(@Root() { sku }: ShownProduct, @Ctx() context: RequestContext): Promise<Product | null> {
    return context.load(findProductsBySku, sku);
  }
}

@Resolver(() => ProductMention)
export class ProductMentionResolver {
  @FieldResolver(() => ShownProduct, {
    description: 'The product as it was when it was shown. It stays when the product is changed or removed.',
  })
  product(@Root() mention: MentionedProduct): ShownProduct {
    return mention;
  }
}

/** Resolves the field of Message that returns products. */
@Resolver(() => Message)
export class MessageProductsResolver {
  @FieldResolver(() => [ProductMention], {
    description: 'Products that the answer shows, in the order of their places in the content.',
  })
  products(@Root() message: Message, @Ctx() context: RequestContext): Promise<ProductMention[]> | [] {
    const { id, status, productCount } = message;
    // Products may have been added since the message was read.
    return productCount > 0 || status === MessageStatus.STREAMING ? context.load(findProductMentions, id) : [];
  }
}
