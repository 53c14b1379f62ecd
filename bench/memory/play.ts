import { MEMORY_START } from '../../src/memory/memory-section.js';
import { METADATA_FORMAT } from '../../src/memory/metadata-prompt.js';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import type { PromptMessage } from '../../src/platform/model/chat-model.js';
import { countPromptTokens } from '../../src/platform/model/openai-request.js';
import { createServerLog } from '../../src/server-log.js';
import { startServer } from '../../src/server.js';
import { startProvider, type PROVIDERS } from './providers.js';

export interface Dialogue {
  /** The tokens of the prompt of each answer. */
  memory: number[];
  /** The tokens of a prompt with the full history instead. */
  full: number[];
  /** The calls for metadata, and the tokens of their prompts. */
  updates: number;
  updateTokens: number;
}

/** Plays a dialogue on a real server, with a new database. */
export async function play(
  questions: readonly string[],
  provider: (typeof PROVIDERS)[keyof typeof PROVIDERS],
): Promise<Dialogue> {
  const result: Dialogue = { memory: [], full: [], updates: 0, updateTokens: 0 };
  /** The prompt of the latest answer. */
  let prompt: PromptMessage[] = [];
  await using running = await startProvider(provider, ({ response_format: format, messages }) => {
    if (!format) prompt = messages;
    if (format?.json_schema?.name !== METADATA_FORMAT.name) return;
    result.updates += 1;
    result.updateTokens += countPromptTokens(messages);
  });
  const config = readConfiguration({
    PORT: '0',
    DATABASE_URL: 'sqlite::memory:',
    OPENAI_BASE_URL: running.baseUrl,
    CONTEXT_TOKENS: '1000000',
    RATE_LIMIT_ASK: 'off',
    RATE_LIMIT_REGISTER: 'off',
    MAX_RUNNING_ANSWERS_PER_USER: '100000',
    MAX_RUNNING_ANSWERS: '100000',
    LOG_LEVEL: 'error',
  });
  await using server = await startServer(config, createServerLog(config));
  const ask = await signUp(server.url);
  const history: PromptMessage[] = [];
  for (const question of questions) {
    const answer = await ask(question);
    const [system] = prompt;
    const instructions = { ...system!, content: system!.content.split(`\n\nThe text between ${MEMORY_START}`)[0]! };
    history.push({ role: 'user', content: question });
    result.memory.push(countPromptTokens(prompt));
    result.full.push(countPromptTokens([instructions, ...history]));
    history.push({ role: 'assistant', content: answer });
    // The memory is updated after the answer. A user would also send the next question later.
    await server.services.background.idle();
  }
  return result;
}

/** Registers a user. Returns a function that asks a question in a conversation and returns the answer. */
async function signUp(url: string): Promise<(question: string) => Promise<string>> {
  const { register } = await request<{ register: { accessToken: string } }>(
    url,
    null,
    'mutation { register(input: { email: "bench@example.com", password: "a password of the bench" }) { accessToken } }',
  );
  let conversationId: string | null = null;
  return async (question) => {
    const { askQuestion } = await request<{
      askQuestion: { conversation: { id: string }; answer: { content: string } };
    }>(
      url,
      register.accessToken,
      'mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { conversation { id } answer { content } } }',
      { input: { question, conversationId, stream: false } },
    );
    conversationId = askQuestion.conversation.id;
    return askQuestion.answer.content;
  };
}

async function request<T>(url: string, accessToken: string | null, query: string, variables: object = {}): Promise<T> {
  const authorization = accessToken === null ? {} : { authorization: `Bearer ${accessToken}` };
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
