import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { findModel, parseContextOfProps, parseModelList } from '../../src/platform/model/model-list.js';
import { findLines } from '../kit/log-lines.js';
import { TestServer } from '../kit/server.js';

const LISTED = { object: 'list', data: [{ id: 'gpt-4o' }, { id: 'gpt-4o-mini' }, { id: 'whisper-1' }] };

describe('the look at the provider', () => {
  const providers: Server[] = [];
  afterEach(async () => {
    for (const provider of providers.splice(0)) {
      provider.closeAllConnections();
      provider.close();
      await once(provider, 'close');
    }
  });

  /** Starts a provider that responds to every path with the same status, or by path. Returns its origin. */
  async function startProvider(responses: Record<string, unknown> | number): Promise<string> {
    const provider = createServer((request, response) => {
      const body = typeof responses === 'number' ? undefined : responses[request.url!];
      response.writeHead(typeof responses === 'number' ? responses : body ? 200 : 404, {
        'content-type': 'application/json',
      });
      response.end(JSON.stringify(body ?? { error: { message: 'refused by the test' } }));
    }).listen(0, '127.0.0.1');
    providers.push(provider);
    await once(provider, 'listening');
    return `http://127.0.0.1:${(provider.address() as { port: number }).port}`;
  }

  /** Looks at a provider. Returns what is logged as a warning or an error, and /readyz. */
  async function inspect(baseUrl: string, settings: Record<string, string> = {}) {
    await using server = await TestServer.start({ OPENAI_BASE_URL: baseUrl, ...settings });
    await server.server.services.inspectProvider();
    // Each instance looks for itself.
    const readiness = await fetch(`${server.server.url}/readyz`);
    const advice = findLines(server, {}).filter(({ level, setting }) => level >= 40 && setting !== undefined);
    return {
      advice: advice.map(({ level, setting, msg }) => [level, setting, msg]),
      learned: findLines(server, { capability: 'contextTokens' }).map(({ value }) => value),
      readiness: { code: readiness.status, ...((await readiness.json()) as object) },
    };
  }

  test('a provider that lists the model needs no advice', async () => {
    const result = await inspect(`${await startProvider({ '/v1/models': LISTED })}/v1`);
    expect(result).toMatchObject({ advice: [], learned: [], readiness: { code: 200, provider: 'ok' } });
  });

  test('an unreachable provider is a warning, and does not make the server unready', async () => {
    const origin = await startProvider(200);
    providers.pop()!.close();
    expect(await inspect(`${origin}/v1`)).toMatchObject({
      advice: [[40, 'OPENAI_BASE_URL', 'Could not reach the provider: start it, or correct OPENAI_BASE_URL.']],
      readiness: { code: 200, provider: 'unreachable' },
    });
  });

  test('a refused key is an error, and readyz shows it', async () => {
    const baseUrl = `${await startProvider(401)}/v1`;
    expect(await inspect(baseUrl, { OPENAI_API_KEY: 'sk-wrong' })).toMatchObject({
      advice: [[50, 'OPENAI_API_KEY', 'The provider rejects the API key: correct OPENAI_API_KEY.']],
      readiness: { code: 200, provider: 'rejected' },
    });
    expect(await inspect(baseUrl)).toMatchObject({
      advice: [[50, 'OPENAI_API_KEY', 'The provider requires an API key: set OPENAI_API_KEY.']],
    });
  });

  test('a model that is not listed is a warning that names the most similar one', async () => {
    const baseUrl = `${await startProvider({ '/v1/models': LISTED })}/v1`;
    const { advice } = await inspect(baseUrl, { OPENAI_MODEL: 'gpt-4o-mni' });
    expect(advice).toEqual([[40, 'OPENAI_MODEL', expect.stringMatching(/gpt-4o-mni: .*such as gpt-4o-mini, gpt-4o,/)]]);
  });

  test.each([403, 404, 405, 501])('status %i is fine: not every provider lists its models', async (status) => {
    const result = await inspect(`${await startProvider(status)}/v1`);
    expect(result).toMatchObject({ advice: [], readiness: { code: 200 } });
  });

  test('a base URL without a path is a warning if nothing is found there', async () => {
    expect((await inspect(await startProvider(404))).advice).toEqual([
      [40, 'OPENAI_BASE_URL', expect.stringContaining('usually ends with /v1')],
    ]);
  });

  test('a context below CONTEXT_TOKENS is learned, and is a warning', async () => {
    const models = { data: [{ id: 'gpt-4o-mini', max_model_len: 4_096 }] };
    expect(await inspect(`${await startProvider({ '/v1/models': models })}/v1`)).toMatchObject({
      advice: [[40, 'CONTEXT_TOKENS', expect.stringContaining('4096 tokens')]],
      learned: [4_096],
    });
  });

  test('the context of llama.cpp is the one that it was started with', async () => {
    const models = { data: [{ id: '/models/qwen.gguf', owned_by: 'llamacpp', meta: { n_ctx_train: 131_072 } }] };
    const props = { default_generation_settings: { n_ctx: 16_384 } };
    const baseUrl = `${await startProvider({ '/v1/models': models, '/props': props })}/v1`;
    expect(await inspect(baseUrl, { OPENAI_MODEL: 'any name' })).toMatchObject({ advice: [], learned: [16_384] });
  });

  test('a server that closes does not wait for the provider', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    providers.push(silent);
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const server = await TestServer.start({ OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` });
    const requested = once(silent, 'request');
    const inspected = server.server.services.inspectProvider();
    await requested;
    await server[Symbol.asyncDispose]();
    await inspected;
    expect(findLines(server, { setting: 'OPENAI_BASE_URL' })).toEqual([]);
  });
});

test.each([
  ['vLLM', { max_model_len: 32_768 }, 32_768],
  ['llama.cpp', { meta: { n_ctx: 8_192, n_ctx_train: 131_072 } }, 8_192],
  ['OpenRouter', { context_length: 200_000, top_provider: { context_length: 128_000 } }, 128_000],
  ['Groq', { context_window: 131_072 }, 131_072],
  ['Mistral', { max_context_length: 32_768 }, 32_768],
  ['LM Studio', { max_context_length: 131_072, loaded_context_length: 4_096 }, 4_096],
  ['LiteLLM', { max_input_tokens: 16_385 }, 16_385],
  ['OpenAI', { owned_by: 'system' }, null],
  ['a broken server', { context_length: '4096', max_model_len: -1, meta: null }, null],
])('the context is read from the list of %s', (_server, fields, expected) => {
  expect(parseModelList({ data: [{ id: 'a', ...fields }] })![0]!.contextTokens).toBe(expected);
});

test('a model is found by its tag, prefix and alias', () => {
  const list = parseModelList([
    { id: 'llama3.2:latest' },
    { id: 'models/gemini-2.5-flash' },
    { id: 'mistral-small-2506', aliases: ['mistral-small-latest'] },
    { object: 'no id' },
    null,
  ])!;
  expect(list).toHaveLength(3);
  expect(findModel(list, 'llama3.2')?.id).toBe('llama3.2:latest');
  expect(findModel(list, 'gemini-2.5-flash')?.id).toBe('models/gemini-2.5-flash');
  expect(findModel(list, 'mistral-small-latest')?.id).toBe('mistral-small-2506');
  expect(findModel(list, 'llama3')).toBeNull();
});

test.each([null, 'text', {}, { data: {} }, { models: [] }])('%j is not a list of models', (body) => {
  expect(parseModelList(body)).toBeNull();
  expect(parseContextOfProps(body)).toBeNull();
});
