/**
 * Measures how many prompt tokens the memory saves. Runs a dialogue with the demo model on the real server, and compares
 * the tokens of each prompt with those of a prompt that contains the full history.
 *
 *   npm run bench:memory [-- FILE]    FILE: a JSON array with the messages of the user
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/platform/config/package-root.js';
import { readConfiguration } from '../src/platform/config/configuration.js';
import type { PromptMessage } from '../src/platform/model/chat-model.js';
import { MEMORY_START } from '../src/memory/memory-section.js';
import { startOpenAICompatibleServer } from '../src/demo/openai-compatible-server.js';
import { answerAsDemo, DEMO_MODEL } from '../src/demo/demo-server.js';
import { countTokens, TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT } from '../src/platform/model/tokens.js';
import { createServerLog } from '../src/server-log.js';
import { startServer } from '../src/server.js';
import { plot } from './plot.js';

const file = process.argv[2] ?? join(packageRoot, 'bench/dialogue.json');
const lines = JSON.parse(readFileSync(file, 'utf8')) as unknown;
if (!Array.isArray(lines) || lines.length === 0 || !lines.every((line) => typeof line === 'string')) {
  throw new Error(`${file} must contain a JSON array of strings.`);
}

/** The prompt of the latest answer. */
let sentPrompt: PromptMessage[] = [];
await using provider = await startOpenAICompatibleServer(DEMO_MODEL, (request, reply) => {
  if (!request.response_format) sentPrompt = request.messages;
  return answerAsDemo(request, reply, { firstTokenDelayMs: 0, tokenIntervalMs: 0 });
});
const config = readConfiguration({
  PORT: '0',
  DATABASE_URL: 'sqlite::memory:',
  OPENAI_BASE_URL: provider.baseUrl,
  CONTEXT_TOKENS: '1000000',
  RATE_LIMIT_ASK: 'off',
  RATE_LIMIT_REGISTER: 'off',
  MAX_RUNNING_ANSWERS_PER_USER: '100000',
  MAX_RUNNING_ANSWERS: '100000',
  LOG_LEVEL: 'error',
});
await using server = await startServer(config, createServerLog(config));

interface AskResult {
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
  const { askQuestion }: AskResult = await request<AskResult>(
    'mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { conversation { id } answer { content } } }',
    { input: { question, conversationId, stream: false } },
  );
  conversationId = askQuestion.conversation.id;
  const instructions = {
    ...sentPrompt[0]!,
    content: sentPrompt[0]!.content.split(`\n\nThe text between ${MEMORY_START}`)[0]!,
  };
  history.push({ role: 'user', content: question });
  const row = { memory: countPromptTokens(sentPrompt), full: countPromptTokens([instructions, ...history]) };
  rows.push(row);
  history.push({ role: 'assistant', content: askQuestion.answer.content });
  console.log(`${formatCell(index + 1, 8)}  ${formatCell(row.memory, 11)}  ${formatCell(row.full, 12)}`);
  // The memory is updated after the answer. A user would also send the next question later.
  await server.services.background.idle();
}

const total = (key: 'memory' | 'full') => rows.reduce((sum, row) => sum + row[key], 0);
const [memory, full] = [total('memory'), total('full')];
const share = `${((100 * memory) / full).toFixed(0)} %`;
console.log(
  `${formatCell('total', 8)}  ${formatCell(memory, 11)}  ${formatCell(full, 12)}   (${share} of the full history)`,
);

const results = join(packageRoot, 'bench/results');
mkdirSync(results, { recursive: true });
writeFileSync(
  join(results, 'memory.svg'),
  plot({
    title: 'Tokens of each prompt',
    subtitle: `${rows.length} exchanges with the demo model; total: ${memory.toLocaleString('en')} instead of ${full.toLocaleString('en')} tokens`,
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

function countPromptTokens(messages: readonly PromptMessage[]): number {
  return messages.reduce((sum, { content }) => sum + countTokens(content) + TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT);
}

function formatCell(value: string | number, width: number): string {
  return value.toLocaleString('en').padStart(width);
}
