import type { PromptMessage } from '../chat-model.js';
import { productsIn } from './catalogue.js';
import { intentOf } from './intents.js';

/** Words that say nothing about what a conversation is about. */
const EMPTY_WORDS = new Set(
  'a an and are can could do for hello hey hi how i in is it me my need of on or please some something the to want what which would you your'.split(
    ' ',
  ),
);

/** A title of a few words: the products spoken of, else the weightiest words of the first question. */
export function demoTitle(text: string): string {
  const products = productsIn(text);
  if (products.length > 0)
    return products
      .slice(0, 2)
      .map(({ name }) => name)
      .join(' and ');
  const words = (text.match(/[\p{L}\p{N}'-]+/gu) ?? []).filter((word) => !EMPTY_WORDS.has(word.toLowerCase()));
  const title = words.slice(0, 5).join(' ');
  return title ? title[0]!.toUpperCase() + title.slice(1) : 'A conversation';
}

/** What a conversation's lines amount to, in the shape that Parley asks metadata in. */
export function demoMetadata(messages: readonly PromptMessage[]): Record<string, unknown> {
  const lines = messages.filter(({ role }) => role === 'user').flatMap(({ content }) => content.split('\n'));
  const interests = new Set<string>();
  const rejected = new Set<string>();
  let saleStatus = 'EXPLORING';
  let lastIntent: string | null = null;
  for (const line of lines) {
    const intent = intentOf(line);
    const names = productsIn(line).map(({ name }) => name);
    names.forEach((name) => (intent === 'REJECT' ? rejected : interests).add(name));
    if (intent === 'BUY') saleStatus = 'CLOSED';
    else if (intent === 'PRICE' && saleStatus !== 'CLOSED') saleStatus = 'NEGOTIATING';
    else if (names.length > 0 && saleStatus === 'EXPLORING') saleStatus = 'INTERESTED';
    if (intent !== 'OTHER') lastIntent = intent.toLowerCase();
  }
  return {
    interests: [...interests],
    offeredProducts: [...new Set([...interests, ...rejected])],
    rejectedProducts: [...rejected],
    saleStatus,
    lastIntent,
    summary: `The customer has spoken of ${[...interests].join(', ') || 'no product yet'}.`,
  };
}
