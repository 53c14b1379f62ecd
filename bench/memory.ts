/**
 * What the evolving memory saves: plays a dialogue against the demo model on the real server, and counts, exchange by
 * exchange, the tokens of the prompt that was sent, beside those of a prompt with the full history.
 *
 *   npm run bench:memory [-- FILE]    FILE: a JSON list of the user's lines
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/platform/config/package-root.js';
import { readConfiguration } from '../src/platform/config/configuration.js';
import type { PromptMessage } from '../src/platform/model/chat-model.js';
import { startCompatibleServer } from '../src/platform/model/compatible-server.js';
import { answerAsDemo, DEMO_MODEL } from '../src/platform/model/demo/demo-server.js';
import { countTokens, TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT } from '../src/platform/model/tokens.js';
import { startServer } from '../src/server.js';
import { plot } from './plot.js';

const file = process.argv[2] ?? join(packageRoot, 'bench/dialogue.json');
const lines = JSON.parse(readFileSync(file, 'utf8')) as unknown;
if (!Array.isArray(lines) || lines.length === 0 || !lines.every((line) => typeof line === 'string')) {
  throw new Error(`${file} is no JSON list of lines.`);
}

/** The prompt of the last answer that was asked for. */
let sent: PromptMessage[] = [];
await using provider = await startCompatibleServer(DEMO_MODEL, (request, reply) => {
  if (!request.response_format) sent = request.messages;
  return answerAsDemo(request, reply, { first: 0, between: 0 });
});
await using server = await startServer(
  readConfiguration({
    PORT: '0',
    DATABASE_URL: 'sqlite::memory:',
    OPENAI_BASE_URL: provider.baseUrl,
    CONTEXT_TOKENS: '1000000',
    RATE_LIMIT_ASK: 'off',
    LOG_LEVEL: 'error',
  }),
);

interface Asked {
  askQuestion: { conversation: { id: string }; answer: { content: string } };
}

let accessToken: string | null = null;
const { register } = await request<{ register: { accessToken: string } }>(
  'mutation { register(input: { email: "bench@example.com", password: "a password of the bench" }) { accessToken } }',
);
accessToken = register.accessToken;
const history: PromptMessage[] = [];
const rows: { memory: number; full: number }[] = [];
let conversationId: string | null = null;

console.log('exchange  with memory  full history');
for (const [index, question] of lines.entries()) {
  const { askQuestion }: Asked = await request<Asked>(
    'mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { conversation { id } answer { content } } }',
    { input: { question, conversationId, stream: false } },
  );
  conversationId = askQuestion.conversation.id;
  const instructions = {
    ...sent[0]!,
    content: sent[0]!.content.split('\n\nThe text between <conversation_memory>')[0]!,
  };
  history.push({ role: 'user', content: question });
  const row = { memory: tokensOf(sent), full: tokensOf([instructions, ...history]) };
  rows.push(row);
  history.push({ role: 'assistant', content: askQuestion.answer.content });
  console.log(`${cell(index + 1, 8)}  ${cell(row.memory, 11)}  ${cell(row.full, 12)}`);
  // The update runs after the answer; somebody who reads it first does not see it either.
  await server.services.background.idle();
}

const total = (key: 'memory' | 'full') => rows.reduce((sum, row) => sum + row[key], 0);
const [memory, full] = [total('memory'), total('full')];
const share = `${((100 * memory) / full).toFixed(0)} %`;
console.log(`${cell('total', 8)}  ${cell(memory, 11)}  ${cell(full, 12)}   (${share} of the full history's)`);

const results = join(packageRoot, 'bench/results');
mkdirSync(results, { recursive: true });
writeFileSync(
  join(results, 'memory.svg'),
  plot({
    title: 'Tokens of each prompt',
    subtitle: `${rows.length} exchanges against the demo model; in all ${memory.toLocaleString('en')} instead of ${full.toLocaleString('en')} tokens`,
    x: 'exchange',
    series: [
      { name: 'full history', color: '#c2410c', values: rows.map((row) => row.full) },
      { name: 'evolving memory', color: '#0f766e', values: rows.map((row) => row.memory) },
    ],
  }),
);
writeFileSync(
  join(results, 'memory.json'),
  `${JSON.stringify({ exchanges: rows, total: { memory, full } }, null, 1)}\n`,
);
console.log('\nWrote bench/results/memory.svg and memory.json.');

async function request<T>(query: string, variables: object = {}): Promise<T> {
  const authorization = accessToken === null ? {} : { authorization: `Bearer ${accessToken}` };
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

function tokensOf(messages: readonly PromptMessage[]): number {
  return messages.reduce((sum, { content }) => sum + countTokens(content) + TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT);
}

function cell(value: string | number, width: number): string {
  return value.toLocaleString('en').padStart(width);
}
