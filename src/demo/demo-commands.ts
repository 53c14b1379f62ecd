import { toProductMarker } from '../catalogue/product-marker.js';
import type { ModelErrorCode } from '../platform/model/chat-model.js';
import { CATALOGUE } from './catalogue.js';
import type { DemoScript } from './demo-script.js';
import { longText, MARKDOWN } from './demo-texts.js';

interface Command {
  usage: string;
  help: string;
  play: (argument: string) => DemoScript;
}

const TENT = CATALOGUE[1]!;

const DEFAULT_WORDS = 300;
const MAX_WORDS = 3_000;

/** How a provider ends an answer that fails with each code. */
const FAILURES: Record<ModelErrorCode, DemoScript> = {
  PROVIDER_RATE_LIMITED: failure(429, 'Too many requests.', 'rate_limit_exceeded'),
  PROVIDER_QUOTA_EXCEEDED: failure(429, 'The account has no credit left.', 'insufficient_quota'),
  PROVIDER_REJECTED: failure(401, 'The API key is not valid.', 'invalid_api_key'),
  PROVIDER_UNAVAILABLE: failure(503, 'The model is overloaded.'),
  PROVIDER_TIMEOUT: failure(408, 'The request timed out.'),
  CONTEXT_TOO_LONG: failure(400, 'The prompt exceeds the context.', 'context_length_exceeded'),
  CONTENT_FILTERED: { text: 'This answer was withheld after', end: 'content_filter' },
  OUTPUT_LIMIT: { text: '', end: 'length' },
  PROVIDER_EMPTY: { text: '', end: 'stop' },
};

const COMMANDS: Record<string, Command> = {
  long: {
    usage: `/long ${DEFAULT_WORDS}`,
    help: `an answer of ${DEFAULT_WORDS} words (1 to ${MAX_WORDS.toLocaleString('en')})`,
    play: (argument) => ({ text: longText(clamp(Number.parseInt(argument, 10) || DEFAULT_WORDS, 1, MAX_WORDS)) }),
  },
  slow: {
    usage: '/slow',
    help: 'a first word after seconds, and long pauses between the next',
    play: () => ({ text: 'This answer takes its time, so that you can stop it or lose the connection.', slowness: 10 }),
  },
  think: {
    usage: '/think',
    help: 'reasoning before the text',
    play: () => ({
      reasoning: 'The user wants to see reasoning. I send some of it first, and then a short answer.',
      text: 'I thought about it first; this is the answer.',
    }),
  },
  markdown: { usage: '/markdown', help: 'headings, lists, a table, and code', play: () => ({ text: MARKDOWN }) },
  cut: {
    usage: '/cut',
    help: 'an answer that is cut by the limit on its tokens',
    play: () => ({ text: 'This answer reaches the limit in the middle of', end: 'length' }),
  },
  product: {
    usage: '/product',
    help: 'a product of the catalogue, if it has those of `npm run catalogue:demo`',
    play: () => ({ text: `This is our tent.\n\n${toProductMarker(TENT.sku)}\n\nIt costs ${TENT.price} euros.` }),
  },
  claim: {
    usage: '/claim',
    help: 'a product and an invented price, which is flagged',
    play: () => ({ text: `Only today: our tent for ${TENT.price - 90} euros.\n\n${toProductMarker(TENT.sku)}` }),
  },
  limit: {
    usage: '/limit',
    help: 'the provider refuses the request: too many requests (PROVIDER_RATE_LIMITED)',
    play: () => FAILURES.PROVIDER_RATE_LIMITED,
  },
  fail: {
    usage: '/fail',
    help: `the connection to the provider breaks after some text (PROVIDER_UNAVAILABLE). \`/fail CODE\` fails with one of ${Object.keys(FAILURES).join(', ')}`,
    play: (argument) =>
      (FAILURES as Record<string, DemoScript>)[argument.toUpperCase()] ?? {
        text: 'This answer breaks off in the middle of',
        end: 'break',
      },
  },
  help: { usage: '/help', help: 'this list', play: () => ({ text: helpText() }) },
};

/** Returns what the demo model sends for a question that is a command, such as `/long 300`, else null. */
export function readCommand(question: string): DemoScript | null {
  const [, name, argument = ''] = /^\/([a-z]+)(?:\s+(\S+))?\s*$/i.exec(question.trim()) ?? [];
  if (!name) return null;
  return COMMANDS[name.toLowerCase()]?.play(argument) ?? { text: `There is no command /${name}.\n\n${helpText()}` };
}

const helpText = () =>
  `Send one of these as the question, to build what a front end needs:\n\n${Object.values(COMMANDS)
    .map(({ usage, help }) => `- \`${usage}\`: ${help}`)
    .join('\n')}`;

function failure(status: number, message: string, code?: string): DemoScript {
  return { text: '', end: { status, message, code } };
}

const clamp = (value: number, min: number, max: number) => Math.min(max, Math.max(min, value));
