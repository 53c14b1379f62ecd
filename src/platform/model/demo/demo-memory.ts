import type { PromptMessage } from '../chat-model.js';
import { CATALOGUE, productsIn } from './catalogue.js';
import { intentOf } from './intents.js';

/** The notes of a conversation, in the shape that they are asked for in. */
export interface DemoMetadata {
  interests: string[];
  offeredProducts: string[];
  rejectedProducts: string[];
  saleStatus: string;
  lastIntent: string | null;
  summary: string | null;
}

const NOTHING: DemoMetadata = {
  interests: [],
  offeredProducts: [],
  rejectedProducts: [],
  saleStatus: 'EXPLORING',
  lastIntent: null,
  summary: null,
};

/** Words that say nothing about what a conversation is about. */
const EMPTY_WORDS = new Set(
  'a an and are can could do for hello hey hi how i in is it me my need of on or please some something the to want what which would you your'.split(
    ' ',
  ),
);

/** A title of a few words: the products spoken of, else the weightiest words of the first question. */
export function demoTitle(text: string): string {
  const products = productsIn(text);
  if (products.length > 0) {
    return products
      .slice(0, 2)
      .map(({ name }) => name)
      .join(' and ');
  }
  const words = (text.match(/[\p{L}\p{N}'-]+/gu) ?? []).filter((word) => !EMPTY_WORDS.has(word.toLowerCase()));
  const title = words.slice(0, 5).join(' ');
  return title ? title[0]!.toUpperCase() + title.slice(1) : 'A conversation';
}

/** The notes so far and what was said since, as a document of JSON in the last message, made into new notes. */
export function demoMetadata(messages: readonly PromptMessage[]): DemoMetadata {
  const { notes, said } = documentIn(messages.at(-1)?.content ?? '');
  const old = notes ?? NOTHING;
  const interests = new Set(old.interests);
  const offered = new Set(old.offeredProducts);
  const rejected = new Set(old.rejectedProducts);
  let { saleStatus, lastIntent } = old;
  let spokenOf: string | undefined;

  for (const { role, content } of said) {
    const names = productsIn(content).map(({ name }) => name);
    if (role === 'assistant') {
      const suggested = CATALOGUE.filter(({ name }) => content.includes(`suggest the ${name}`));
      suggested.forEach(({ name }) => offered.add(name));
      spokenOf = suggested.at(-1)?.name ?? spokenOf;
      continue;
    }
    const intent = intentOf(content);
    if (intent === 'REJECT')
      (names.length > 0 ? names : spokenOf ? [spokenOf] : []).forEach((name) => rejected.add(name));
    else names.forEach((name) => interests.add(name));
    if (intent === 'BUY') saleStatus = 'CLOSED';
    else if (intent === 'PRICE' && saleStatus !== 'CLOSED') saleStatus = 'NEGOTIATING';
    else if (names.length > 0 && saleStatus === 'EXPLORING') saleStatus = 'INTERESTED';
    if (intent !== 'OTHER') lastIntent = intent.toLowerCase();
  }
  return {
    interests: [...interests],
    offeredProducts: [...offered],
    rejectedProducts: [...rejected],
    saleStatus,
    lastIntent,
    summary: `The customer has spoken of ${[...interests].join(', ') || 'no product yet'}.`,
  };
}

/** The notes in a prompt's instructions, where there are any. */
export function notesIn(messages: readonly PromptMessage[]): DemoMetadata | null {
  const system = messages.find(({ role }) => role === 'system')?.content ?? '';
  const json = system.slice(system.lastIndexOf('<conversation_memory>')).match(/\{[^]*\}/)?.[0];
  return json ? (parse(json) as DemoMetadata | null) : null;
}

function documentIn(text: string): { notes: DemoMetadata | null; said: PromptMessage[] } {
  const document = parse(text) as { notes?: DemoMetadata | null; said?: PromptMessage[] } | null;
  return { notes: document?.notes ?? null, said: document?.said ?? [] };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
