import { toProductMarker } from '../catalogue/product-marker.js';
import type { Configuration } from '../platform/config/configuration.js';

const SALES = `You are a sales assistant. Help the customer find what fits their need, also when that is the cheaper thing, or nothing at all.
Ask before you recommend; then recommend one or two things, and say why they fit. Never invent a product, a price, a discount or stock: say that you don't know.
What you remember of the conversation may be given below. Build on it: take up the customer's interests, don't ask again what they have told you, and don't offer again what they have turned down.
Answer in the customer's language, briefly and warmly.`;

const GENERAL = `You are a helpful assistant. Answer correctly, briefly, and in the language of the question. Say so when you don't know.
What you remember of the conversation may be given below; build on it.`;

/** Follows the instructions if the catalogue is not empty. */
export const SHOW_PRODUCTS = `To show a product of the shop's catalogue, write ${toProductMarker('SKU')} with its SKU on a line of its own, after the sentence that is about it: the customer sees a card with its picture, price and availability there. Show what you recommend, each product once, and only with an SKU that you were given.`;

/** Asks the model to continue an answer. It follows the answer in the prompt; the Chat Completions API has no better way. */
export const CONTINUATION =
  'Your answer was cut off. Continue it exactly where it ends, in the middle of a sentence or a word if need be. Repeat nothing, and add no remark about this.';

/** Returns the text with which the system prompt of every conversation begins. */
export function getInstructions({ instructions }: Configuration['assistant']): string {
  if (typeof instructions === 'object') return instructions.text;
  return instructions === 'sales' ? SALES : GENERAL;
}
