import { Arg, Args, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { assertAdmin } from '../auth/permissions.js';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import { BadUserInputError, type FieldErrors } from '../platform/errors/api-error.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { formatAmount } from './money.js';
import { Product } from './product.entity.js';
import { readProduct, type ProductData } from './product-input.js';
import type { ProductService } from './product.service.js';
import {
  ImportProductsPayload,
  MAX_IMPORT_SIZE,
  MoneyType,
  ProductConnection,
  ProductInput,
  ProductsArgs,
} from './product.types.js';

@Resolver(() => Product)
export class ProductResolver {
  constructor(private readonly service: ProductService) {}

  @Query(() => ProductConnection, {
    description:
      'Products of the catalogue, by title, for any session. `search` matches title, SKU, description, categories and attributes. Price bounds share one currency.',
  })
  async products(
    @Args(() => ProductsArgs) args: ProductsArgs,
    @SignedIn() _viewer: Viewer,
    @Ctx() context: RequestContext,
  ): Promise<ProductConnection> {
    return new ProductConnection(await this.service.list(context.reader(), args));
  }

  @Query(() => Product, {
    nullable: true,
    description: 'A product by its id or its SKU (exactly one of them); null if it is unknown.',
  })
  async product(
    @Arg('id', () => ID, { nullable: true, description: "The product's id." }) id: string | null,
    @Arg('sku', () => String, { nullable: true, description: "The shop's own id of the product." }) sku: string | null,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Product | null> {
    if (id != null && sku == null) return await this.service.find(em, viewer, id);
    if (sku != null && id == null) return await this.service.findBySku(em, sku);
    throw new BadUserInputError({ sku: 'Use either `id` or `sku`.' });
  }

  @Mutation(() => ImportProductsPayload, {
    description: `Add or change up to ${MAX_IMPORT_SIZE} products, by SKU; all or none. Requires the ADMIN role.`,
  })
  async importProducts(
    @Arg('input', () => [ProductInput], { validate: false, description: 'The products, with a different SKU each.' })
    input: ProductInput[],
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<ImportProductsPayload> {
    assertAdmin(viewer, '`importProducts`');
    return await this.service.import(em, readProducts(input));
  }

  @Mutation(() => Int, {
    description: 'Remove products, by SKU. Returns how many there were. Requires the ADMIN role.',
  })
  async deleteProducts(
    @Arg('skus', () => [String], { description: `The SKUs of up to ${MAX_IMPORT_SIZE} products.` }) skus: string[],
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<number> {
    assertAdmin(viewer, '`deleteProducts`');
    assertSize('skus', skus);
    return await this.service.delete(em, skus);
  }

  @FieldResolver(() => MoneyType, { nullable: true, description: 'What it costs now; null if the shop does not say.' })
  price(@Root() { price, currency }: Product): MoneyType | null {
    if (price === null || currency === null) return null;
    return { amount: formatAmount({ minorUnits: price, currency }), currency };
  }
}

/** @throws BadUserInputError with the index of each wrong product, such as `input.3.price.amount` */
function readProducts(input: readonly ProductInput[]): ProductData[] {
  assertSize('input', input);
  const errors: FieldErrors = {};
  const products: ProductData[] = [];
  const skus = new Set<string>();
  for (const [i, each] of input.entries()) {
    const result = readProduct(each);
    if ('mistakes' in result) {
      for (const { field, message } of result.mistakes) errors[`input.${i}.${field}`] ??= message;
      continue;
    }
    const { sku } = result.product;
    if (skus.has(sku)) errors[`input.${i}.sku`] = 'Occurs twice.';
    skus.add(sku);
    products.push(result.product);
  }
  if (Object.keys(errors).length > 0) throw new BadUserInputError(errors);
  return products;
}

function assertSize(field: string, items: readonly unknown[]): void {
  if (items.length > MAX_IMPORT_SIZE)
    throw new BadUserInputError({ [field]: `Must have at most ${MAX_IMPORT_SIZE} items.` });
}
