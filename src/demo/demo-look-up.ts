import { isRecord } from '../platform/json/is-record.js';
import type { Product } from './catalogue.js';
import type { DemoScript } from './demo-script.js';
import { detectIntent } from './intents.js';
import type { ChatCompletionRequest, ChatMessage } from './openai-compatible-server.js';

const TOOL = 'searchProducts';

/** Words that name no product. */
const STOP_WORDS = new Set(
  'a about all also am an and any anything are as aside at be better best between big budget but buy can cheap cheaper compare cost costs could deal difference discount do does don’t expensive for from get give good have heavy hello hey hi how i i’ll i’m if in interested into is it know large let like light-weight looking me more much my need new no not now of on one or order other please price prices put rather recommend second see sell shall should show small so sold some something still take than thank thanks that the them then there these they thing things this those to too two us versus vs want was we weigh weight well what when which will with would yes you your'.split(
    ' ',
  ),
);

/**
 * Returns the look-up with which an answer begins if the catalogue can be searched. Finding nothing, it looks at the
 * whole shelf. Returns null when the answer can be written.
 */
export function planLookUp({ tools = [], tool_choice: choice, messages }: ChatCompletionRequest): DemoScript | null {
  if (choice === 'none' || !tools.some((tool) => tool.function.name === TOOL)) return null;
  const end = messages.findLastIndex(({ role }) => role === 'user');
  const question = messages[end]?.content ?? '';
  const intent = detectIntent(question);
  if (intent === 'ABOUT_DEMO' || intent === 'THANKS') return null;
  const found = findFoundProducts(messages.slice(end + 1));
  if (found === null) return search(intent === 'REJECT' ? '' : toQuery(question, messages.slice(0, end)));
  return found.products.length === 0 && found.query !== '' ? search('') : null;
}

/** What a look-up has found. */
export interface FoundProducts {
  query: string;
  products: Product[];
}

/** Returns the result of the last look-up among the messages after the question; null if there is none. */
export function findFoundProducts(messages: readonly ChatMessage[]): FoundProducts | null {
  const result = messages.findLast(({ role }) => role === 'tool');
  if (!result) return null;
  const call = messages.flatMap(({ tool_calls = [] }) => tool_calls).find(({ id }) => id === result.tool_call_id);
  const { query } = parse(call?.function.arguments ?? '');
  const { products } = parse(result.content);
  return {
    query: typeof query === 'string' ? query : '',
    products: Array.isArray(products) ? products.filter(isRecord).map(toProduct) : [],
  };
}

const search = (query: string): DemoScript => ({ text: '', call: { name: TOOL, arguments: { query, limit: 5 } } });

/** Returns the words of a question that may name a product, or else the product that was suggested last. */
function toQuery(question: string, earlier: readonly ChatMessage[]): string {
  const words = (
    question
      .toLowerCase()
      .replaceAll("'", '’')
      .match(/[\p{L}\p{N}’-]+/gu) ?? []
  ).filter((word) => !STOP_WORDS.has(word));
  if (words.length > 0) return words.slice(0, 8).join(' ');
  const texts = earlier.filter(({ role }) => role === 'assistant').map(({ content }) => content);
  return (
    texts
      .join('\n')
      .match(/(?<=suggest the ).+?(?= for \d)/g)
      ?.at(-1) ?? ''
  );
}

function toProduct({ sku, title, price, description }: Record<string, unknown>): Product {
  const { amount, currency } = isRecord(price) ? price : {};
  return {
    sku: String(sku),
    name: String(title),
    price: Number(amount ?? 0),
    currency: typeof currency === 'string' ? currency : 'EUR',
    keywords: [],
    pitch: typeof description === 'string' ? description : '',
  };
}

function parse(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
