import { MEMORY_START } from '../memory/memory-section.js';
import { readCommand } from './demo-commands.js';
import { CATALOGUE, findProducts } from './catalogue.js';
import { detectIntent } from './intents.js';
import type { ChatMessage } from './openai-compatible-server.js';

/** The metadata of a conversation, in the format that the server requests. */
export interface DemoMetadata {
  interests: string[];
  offeredProducts: string[];
  rejectedProducts: string[];
  saleStatus: string;
  lastIntent: string | null;
  summary: string | null;
}

const EMPTY_METADATA: DemoMetadata = {
  interests: [],
  offeredProducts: [],
  rejectedProducts: [],
  saleStatus: 'EXPLORING',
  lastIntent: null,
  summary: null,
};

/** Words that say nothing about the subject of a conversation. */
const STOP_WORDS = new Set(
  'a an and are can could do for hello hey hi how i in is it me my need of on or please some something the to want what which would you your'.split(
    ' ',
  ),
);

/** Returns a title of a few words: the products mentioned, otherwise the first words that are not stop words. */
export function demoTitle(text: string): string {
  if (readCommand(text)) return text.trim();
  const products = findProducts(text);
  if (products.length > 0) {
    return products
      .slice(0, 2)
      .map(({ name }) => name)
      .join(' and ');
  }
  const words = (text.match(/[\p{L}\p{N}'-]+/gu) ?? []).filter((word) => !STOP_WORDS.has(word.toLowerCase()));
  const title = words.slice(0, 5).join(' ');
  return title ? title[0]!.toUpperCase() + title.slice(1) : 'A conversation';
}

/** Returns new metadata, made from the JSON document in the last message: the previous metadata and the new messages. */
export function demoMetadata(messages: readonly ChatMessage[]): DemoMetadata {
  const update = parseUpdate(messages.at(-1)?.content ?? '');
  const old = update.metadata ?? EMPTY_METADATA;
  const interests = new Set(old.interests);
  const offered = new Set(old.offeredProducts);
  const rejected = new Set(old.rejectedProducts);
  let { saleStatus, lastIntent } = old;
  let lastSuggested: string | undefined;

  for (const { role, content } of update.messages) {
    const names = findProducts(content).map(({ name }) => name);
    if (role === 'assistant') {
      const suggested = CATALOGUE.filter(({ name }) => content.includes(`suggest the ${name}`));
      suggested.forEach(({ name }) => offered.add(name));
      lastSuggested = suggested.at(-1)?.name ?? lastSuggested;
      continue;
    }
    const intent = detectIntent(content);
    if (intent === 'REJECT')
      (names.length > 0 ? names : lastSuggested ? [lastSuggested] : []).forEach((name) => rejected.add(name));
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
    summary: `The customer has mentioned ${[...interests].join(', ') || 'no product yet'}.`,
  };
}

/** Returns the metadata in a prompt's instructions, or null if there is none. */
export function readMemory(messages: readonly ChatMessage[]): DemoMetadata | null {
  const system = messages.find(({ role }) => role === 'system')?.content ?? '';
  const json = system.slice(system.lastIndexOf(MEMORY_START)).match(/\{[^]*\}/)?.[0];
  return json ? (parse(json) as DemoMetadata | null) : null;
}

function parseUpdate(text: string): { metadata: DemoMetadata | null; messages: ChatMessage[] } {
  const document = parse(text) as { metadata?: DemoMetadata | null; messages?: ChatMessage[] } | null;
  return { metadata: document?.metadata ?? null, messages: document?.messages ?? [] };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
