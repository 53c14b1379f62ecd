import type { ProductData } from '../catalogue/product-input.js';
import { CATALOGUE } from './catalogue.js';

/** The demo's shop in the form of the catalogue. */
export const DEMO_PRODUCTS: readonly ProductData[] = CATALOGUE.map(({ sku, name, price, keywords, pitch }) => ({
  sku,
  title: name,
  description: pitch,
  url: null,
  imageUrl: null,
  price: price * 100,
  currency: 'EUR',
  available: true,
  categories: [],
  attributes: [{ name: 'Keywords', value: keywords.join(', ') }],
}));
