import { toProductMarker } from '../catalogue/product-marker.js';
import { CATALOGUE, findProducts, type Product } from './catalogue.js';
import { readMemory, type DemoMetadata } from './demo-memory.js';
import { findFoundProducts, type FoundProducts } from './demo-look-up.js';
import { detectIntent } from './intents.js';
import type { ChatMessage } from './openai-compatible-server.js';

const DISCLOSURE =
  "Hello! I am Parley's built-in demo, a small script and not a language model 🌱. To talk to a real one, set " +
  'OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, and start again. Until then I play a sales assistant ' +
  'in a shop for outdoor gear. Building a front end? Ask me /help.';

/** Returns the demo's answer: rules applied to the last question and the products mentioned before. */
export function demoAnswer(messages: readonly ChatMessage[]): string {
  const end = messages.findLastIndex(({ role }) => role === 'user');
  const earlier = messages.slice(0, Math.max(0, end)).filter(({ role }) => role !== 'system');
  const question = messages[end]?.content ?? '';
  const memory = readMemory(messages);
  const isFirst = !memory && !earlier.some(({ role }) => role === 'assistant');
  const found = findFoundProducts(messages.slice(end + 1));
  const reply = replyTo(question, { earlier, memory, found });
  const text = isFirst ? `${DISCLOSURE}\n\n${reply}` : reply;
  return asksForMarkers(messages) ? text + showProducts(found?.products ?? CATALOGUE, reply) : text;
}

/** The instructions ask for markers if the catalogue is not empty. Markers of products that it lacks are removed. */
const asksForMarkers = (messages: readonly ChatMessage[]): boolean =>
  messages.some(({ role, content }) => role === 'system' && content.includes(toProductMarker('SKU')));

const showProducts = (shop: readonly Product[], text: string): string =>
  shop
    .filter(({ name }) => text.includes(name))
    .map(({ sku }) => `\n\n${toProductMarker(sku)}`)
    .join('');

/** What the demo knows when it answers. */
interface Knowledge {
  earlier: readonly ChatMessage[];
  memory: DemoMetadata | null;
  /** The products that it has looked up; null if it has looked nothing up: it then uses its own shop. */
  found: FoundProducts | null;
}

function replyTo(question: string, { earlier, memory, found }: Knowledge): string {
  const shop = found?.products ?? CATALOGUE;
  // Without a query the whole shelf was found.
  const asked = found ? (found.query === '' ? [] : found.products) : findProducts(question);
  const fromShop = (names: readonly string[] = []) => shop.filter(({ name }) => names.includes(name));
  const suggested = earlier
    .filter(({ role }) => role === 'assistant')
    .flatMap(({ content }) => findSuggestedProducts(content, shop));
  const offered = [...fromShop(memory?.rejectedProducts), ...fromShop(memory?.offeredProducts), ...suggested];
  const current = asked[0] ?? offered.at(-1);
  const next = shop.find((product) => !offered.includes(product) && !asked.includes(product));

  switch (detectIntent(question)) {
    case 'ABOUT_DEMO':
      return 'Set OPENAI_API_KEY in the environment or in a file named .env and restart: the same API then streams from a real model. OPENAI_BASE_URL points it at Ollama, vLLM, LM Studio or any other compatible server.';
    case 'REJECT':
      return next
        ? `No problem, we leave ${current ? `the ${current.name}` : 'that'} aside. ${suggest(next)}`
        : 'No problem, we leave that aside. You have seen everything that I have; shall we go back to one of the others?';
    case 'BUY':
      return current
        ? `A good choice! I put one ${current.name} aside for you: ${toCost(current)}, delivered in two days. In a real shop I would now ask for your address. Is there anything else that you need?`
        : `Gladly. Which one would you like? ${listProducts(shop)}`;
    case 'PRICE':
      return current
        ? `The ${current.name} costs ${toCost(current)}, delivery included. You can send it back within 60 days. Shall I put one aside for you?`
        : `Here is everything with its price. ${listProducts(shop)}`;
    case 'COMPARE':
      return `Side by side: ${(asked.length > 1 ? asked : shop.slice(0, 3)).map(describe).join('; ')}. Which of these matters most to you: weight, price, or comfort?`;
    case 'THANKS':
      return 'You are welcome! Come back whenever you like; the whole conversation is stored.';
    case 'OTHER':
      if (asked[0]) return suggest(asked[0], asked[1]);
      return `What are you planning: a day outside, a night in a tent, or a long trek? ${listProducts(shop)}`;
  }
}

function suggest(product: Product, other?: Product): string {
  const also = other ? ` People often take the ${other.name} with it, for ${toCost(other)}.` : '';
  return `I would suggest the ${product.name} for ${toCost(product)}. ${product.pitch}${also} Does that sound right, or shall I show you something else?`;
}

const toCost = ({ price, currency = 'EUR' }: Product): string =>
  currency === 'EUR' ? `${price} euros` : `${price} ${currency}`;

const describe = (product: Product): string =>
  `${product.name}, ${toCost(product)}. ${product.pitch.replace(/\.$/, '')}`;

const listProducts = (shop: readonly Product[]): string =>
  `On the shelf are: ${shop.map((product) => `the ${product.name} (${toCost(product)})`).join(', ')}.`;

const findSuggestedProducts = (text: string, shop: readonly Product[]): Product[] =>
  shop.filter(({ name }) => text.includes(`suggest the ${name}`));
