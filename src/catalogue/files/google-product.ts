/** The values of each attribute of Google's product data, by its name without `g:`. */
export type GoogleProduct = Readonly<Record<string, readonly string[]>>;

/** Attributes of customers' interest, with the names that they get. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  brand: 'Brand',
  color: 'Color',
  size: 'Size',
  material: 'Material',
  pattern: 'Pattern',
  gender: 'Gender',
  age_group: 'Age group',
  condition: 'Condition',
  gtin: 'GTIN',
  mpn: 'MPN',
};

/**
 * Converts a product to the form of ProductInput. A product that is in stock is available.
 * @see https://support.google.com/merchants/answer/7052112
 */
export function toProductInput(product: GoogleProduct): unknown {
  const get = (name: string) => product[name]?.[0]?.trim() || null;
  return {
    sku: get('id') ?? '',
    title: get('title') ?? '',
    description: get('description'),
    url: get('link'),
    imageUrl: get('image_link'),
    price: readPrice((isOnSale(get('sale_price_effective_date')) && get('sale_price')) || get('price')),
    available: /^in[_ ]stock$/i.test(get('availability') ?? 'in_stock'),
    categories: readCategories(product),
    attributes: Object.entries(ATTRIBUTES).flatMap(([name, label]) =>
      [...new Set(product[name] ?? [])].filter((value) => value.trim() !== '').map((value) => ({ name: label, value })),
    ),
  };
}

/** `15.00 USD`, or the currency first. Other forms are kept, so that they are reported. */
function readPrice(text: string | null): { amount: string; currency: string } | null {
  if (text === null) return null;
  const [, before, amount = text, after] = /^([A-Z]{3})?\s*([\d.]+)\s*([A-Z]{3})?$/.exec(text) ?? [];
  return { amount, currency: after ?? before ?? '' };
}

/** @param range two dates of ISO 8601, separated by a slash */
function isOnSale(range: string | null): boolean {
  if (range === null) return true;
  const [from, to] = range.split('/').map((date) => Date.parse(date));
  return !(from! > Date.now()) && !(to! < Date.now());
}

/** Each level of a path such as `Outdoor > Tents` is a category. Google's own categories may be numbers. */
function readCategories(product: GoogleProduct): string[] {
  const paths =
    product['product_type'] ?? (product['google_product_category'] ?? []).filter((path) => !/^\d+$/.test(path));
  const levels = paths.flatMap((path) => path.split('>')).map((level) => level.trim());
  return [...new Set(levels)].filter((level) => level !== '');
}
