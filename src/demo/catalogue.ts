/** A product of the demo's shop. */
export interface Product {
  /** Its SKU in the catalogue that `npm run catalogue:demo` imports. */
  sku: string;
  name: string;
  /** In the main unit of the currency. */
  price: number;
  /** Default: EUR */
  currency?: string;
  /** Words that customers use for the product or its purpose: lower case, matched as whole words. */
  keywords: string[];
  pitch: string;
}

export const CATALOGUE: readonly Product[] = [
  {
    sku: 'DEMO-1',
    name: 'Ridgeline 45 backpack',
    price: 149,
    keywords: ['backpack', 'rucksack', 'pack', 'carry', 'hike', 'hiking', 'trek', 'trekking', 'ridgeline'],
    pitch: 'It holds 45 litres, weighs 1.3 kg, and its back panel adjusts to your height.',
  },
  {
    sku: 'DEMO-2',
    name: 'Fernlight two-person tent',
    price: 289,
    keywords: ['tent', 'camp', 'camping', 'sleep', 'shelter', 'overnight', 'fernlight'],
    pitch: 'It stands in four minutes, weighs 1.9 kg, and has kept its floor dry through two days of rain.',
  },
  {
    sku: 'DEMO-3',
    name: 'Brook trail shoes',
    price: 119,
    keywords: ['shoe', 'shoes', 'boot', 'boots', 'run', 'running', 'walk', 'walking', 'trail', 'brook'],
    pitch: 'They grip on wet rock, dry overnight, and can be resoled.',
  },
  {
    sku: 'DEMO-4',
    name: 'Cinder gas stove',
    price: 59,
    keywords: ['stove', 'cook', 'cooking', 'kitchen', 'coffee', 'food', 'meal', 'cinder'],
    pitch: 'It boils half a litre in three minutes and packs down to the size of a fist.',
  },
  {
    sku: 'DEMO-5',
    name: 'Lantern & headlamp set',
    price: 45,
    keywords: ['lamp', 'light', 'lantern', 'headlamp', 'night', 'dark'],
    pitch: 'One charge lasts for 30 hours, and the red light spares your night vision.',
  },
];

/** Returns the products that a text mentions, in the catalogue's order. */
export function findProducts(text: string): Product[] {
  const words = new Set(text.toLowerCase().match(/[a-z]+/g) ?? []);
  const lower = text.toLowerCase();
  return CATALOGUE.filter(
    (product) => lower.includes(product.name.toLowerCase()) || product.keywords.some((keyword) => words.has(keyword)),
  );
}
