import type { PromptMessage } from '../platform/model/chat-model.js';
import { CATALOGUE, findProducts, type Product } from './catalogue.js';
import { readMemory, type DemoMetadata } from './demo-memory.js';
import { detectIntent } from './intents.js';

const DISCLOSURE =
  "Hello! I am Parley's built-in demo, a small script and not a language model 🌱. To talk to a real one, set " +
  'OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, and start again. Until then I play a sales assistant ' +
  'in a shop for outdoor gear. Building a front end? Ask me /help.';

/** Returns the demo's answer: rules applied to the last question and the products mentioned before. */
export function demoAnswer(messages: readonly PromptMessage[]): string {
  const dialogue = messages.filter(({ role }) => role !== 'system');
  const question = dialogue.findLast(({ role }) => role === 'user')?.content ?? '';
  const memory = readMemory(messages);
  const isFirst = !memory && !messages.some(({ role }) => role === 'assistant');
  const reply = replyTo(question, dialogue.slice(0, -1), memory);
  return isFirst ? `${DISCLOSURE}\n\n${reply}` : reply;
}

function replyTo(question: string, earlier: readonly PromptMessage[], memory: DemoMetadata | null): string {
  const asked = findProducts(question);
  const fromCatalogue = (names: readonly string[] = []) => CATALOGUE.filter(({ name }) => names.includes(name));
  const suggested = earlier
    .filter(({ role }) => role === 'assistant')
    .flatMap(({ content }) => findSuggestedProducts(content));
  const offered = [...fromCatalogue(memory?.rejectedProducts), ...fromCatalogue(memory?.offeredProducts), ...suggested];
  const current = asked[0] ?? offered.at(-1);
  const next = CATALOGUE.find((product) => !offered.includes(product) && !asked.includes(product));

  switch (detectIntent(question)) {
    case 'ABOUT_DEMO':
      return 'Set OPENAI_API_KEY in the environment or in a file named .env and restart: the same API then streams from a real model. OPENAI_BASE_URL points it at Ollama, vLLM, LM Studio or any other compatible server.';
    case 'REJECT':
      return next
        ? `No problem, we leave ${current ? `the ${current.name}` : 'that'} aside. ${suggest(next)}`
        : 'No problem, we leave that aside. You have seen everything that I have; shall we go back to one of the others?';
    case 'BUY':
      return current
        ? `A good choice! I put one ${current.name} aside for you: ${current.price} euros, delivered in two days. In a real shop I would now ask for your address. Is there anything else that you need?`
        : `Gladly. Which one would you like? ${listCatalogue()}`;
    case 'PRICE':
      return current
        ? `The ${current.name} costs ${current.price} euros, delivery included. You can send it back within 60 days. Shall I put one aside for you?`
        : `Here is everything with its price. ${listCatalogue()}`;
    case 'COMPARE':
      return `Side by side: ${(asked.length > 1 ? asked : CATALOGUE.slice(0, 3)).map(describe).join('; ')}. Which of these matters most to you: weight, price, or comfort?`;
    case 'THANKS':
      return 'You are welcome! Come back whenever you like; the whole conversation is stored.';
    case 'OTHER':
      if (asked[0]) return suggest(asked[0], asked[1]);
      return `What are you planning: a day outside, a night in a tent, or a long trek? ${listCatalogue()}`;
  }
}

function suggest(product: Product, other?: Product): string {
  const also = other ? ` People often take the ${other.name} with it, for ${other.price} euros.` : '';
  return `I would suggest the ${product.name} for ${product.price} euros. ${product.pitch}${also} Does that sound right, or shall I show you something else?`;
}

const describe = (product: Product): string =>
  `${product.name}, ${product.price} euros. ${product.pitch.replace(/\.$/, '')}`;

const listCatalogue = (): string =>
  `On the shelf are: ${CATALOGUE.map(({ name, price }) => `the ${name} (${price} euros)`).join(', ')}.`;

const findSuggestedProducts = (text: string): Product[] =>
  CATALOGUE.filter(({ name }) => text.includes(`suggest the ${name}`));
