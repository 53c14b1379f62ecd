import { z } from 'zod';
import { isHttpUrl } from '../platform/config/values.js';
import {
  characters,
  noControlCharacters,
  notBlank,
  storableText,
  type TextRule,
} from '../platform/graphql/text-rules.js';
import { formatAmount, getDecimals, parseAmount } from './money.js';
import type { Product } from './product.entity.js';

/** What a shop states of a product. */
export type ProductData = Omit<Product, 'id' | 'updatedAt'>;

const follow = (...rules: TextRule[]) =>
  rules.reduce((schema, { isValid, message }) => schema.refine(isValid, { error: message }), z.string());

const text = (min: number, max: number) => follow(characters(min, max), storableText);
const line = (max: number) => follow(characters(1, max), storableText, noControlCharacters, notBlank);

const link = text(1, 2_000).refine(isHttpUrl, { error: 'Must be an address that begins with http:// or https://.' });

const price = z.object({ amount: z.string(), currency: z.string() }).superRefine(({ amount, currency }, context) => {
  const decimals = getDecimals(currency);
  if (decimals === null)
    context.addIssue({ code: 'custom', path: ['currency'], message: 'Must be a currency of ISO 4217, such as EUR.' });
  else if (parseAmount(amount, currency) === null)
    context.addIssue({
      code: 'custom',
      path: ['amount'],
      message: `Must be a decimal number with at most ${decimals} decimals for ${currency}, such as ${decimals === 0 ? '289' : '289.00'}.`,
    });
});

/** The rules of ProductInput. */
const productInput = z
  .object({
    sku: line(64).refine((value) => !/[[\]]/.test(value), { error: 'Must not contain square brackets.' }),
    title: line(200),
    description: text(0, 5_000).nullish(),
    url: link.nullish(),
    imageUrl: link.nullish(),
    price: price.nullish(),
    available: z.boolean().default(true),
    categories: z.array(line(200)).max(20, { error: 'Must have at most 20 items.' }).nullish(),
    attributes: z
      .array(z.object({ name: line(100), value: line(500) }))
      .max(50, { error: 'Must have at most 50 items.' })
      .nullish(),
  })
  .transform(
    ({ sku, title, description, url, imageUrl, price: money, available, categories, attributes }): ProductData => ({
      sku,
      title,
      description: description ?? null,
      url: url ?? null,
      imageUrl: imageUrl ?? null,
      price: money ? parseAmount(money.amount, money.currency) : null,
      currency: money?.currency ?? null,
      available,
      categories: categories ?? [],
      attributes: (attributes ?? []).map(({ name, value }) => ({ name, value })),
    }),
  );

/** What is wrong with a product. */
export interface ProductMistake {
  /** The path of the field, such as `price.amount`. */
  field: string;
  message: string;
}

/** Reads a product, in the form of ProductInput. Returns one mistake for each field that is wrong. */
export function readProduct(input: unknown): { product: ProductData } | { mistakes: ProductMistake[] } {
  const result = productInput.safeParse(input);
  if (result.success) return { product: result.data };
  const messages = new Map<string, string>();
  for (const { path, message } of result.error.issues) {
    const field = path.join('.');
    if (!messages.has(field)) messages.set(field, message);
  }
  return { mistakes: [...messages].map(([field, message]) => ({ field, message })) };
}

/** Returns the form that `readProduct` reads. */
export const toProductInput = ({ price, currency, ...product }: Product | ProductData) => ({
  sku: product.sku,
  title: product.title,
  description: product.description,
  url: product.url,
  imageUrl: product.imageUrl,
  price:
    price === null || currency === null ? null : { amount: formatAmount({ minorUnits: price, currency }), currency },
  available: product.available,
  categories: product.categories,
  attributes: product.attributes,
});
