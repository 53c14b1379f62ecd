import { checkProvider } from '../../src/commands/provider-check/check-provider.js';
import { formatFindings } from '../../src/commands/finding.js';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import { readProfiles, startProfileProvider, type Profile } from '../kit/providers/profile-provider.js';
import { runCommand } from '../kit/command.js';
import { RawProvider } from '../kit/raw-provider.js';

/** Runs the command as a process. Returns the exit code, all output, and the lines by their subject. */
async function run(settings: Record<string, string>) {
  const env = { DATABASE_URL: 'sqlite::memory:', OPENAI_MAX_RETRIES: '0', ...settings };
  const { code, stdout, stderr } = await runCommand('provider-check.js', [], env).catch(
    (failed: Awaited<ReturnType<typeof runCommand>>) => failed,
  );
  return { code, output: stdout + stderr, rows: toRows(stdout) };
}

/** Does what the command does, in this process. */
async function check(settings: Record<string, string>) {
  const config = readConfiguration({ OPENAI_MAX_RETRIES: '0', ...settings });
  const { findings } = await checkProvider(config, config.provider!);
  const output = formatFindings(findings);
  return { output, rows: toRows(output) };
}

function toRows(output: string): Record<string, string> {
  const lines = [...output.matchAll(/^ {2}(\S) (\w+(?: \w+)?) {2,}(.*)$/gm)];
  return Object.fromEntries(
    lines.map(([, symbol, subject, text]) => [subject, `${symbol} ${text!.replace(/ +→/, ' →')}`]),
  );
}

const getProfile = (name: string): Profile => readProfiles().find((profile) => profile.name === name)!;
const FIRST_TEXT = expect.stringMatching(/first text after \d+\.\d s → streamed$/);

describe('npm run provider:check', () => {
  test('finds that everything works with a perfect provider', async () => {
    await using provider = await startProfileProvider(getProfile('OpenAI'));
    const settings = { OPENAI_API_KEY: 'sk-right-1234567', TEMPERATURE: '0.2', REASONING_EFFORT: 'low' };
    const { code, rows, output } = await run({ ...settings, OPENAI_BASE_URL: provider.baseUrl });
    expect(rows).toEqual({
      Model: '✓ gpt-4o-mini is listed',
      Answer: FIRST_TEXT,
      Reasoning: '– none',
      Usage: '✓ reported → taken',
      Instructions: '✓ the role system is accepted → sent as such',
      Length: '✓ only max_completion_tokens is accepted → at most MAX_OUTPUT_TOKENS=4096',
      TEMPERATURE: '✓ accepted → sent',
      REASONING_EFFORT: '✓ accepted → sent',
      Context: '– not reported → it must hold CONTEXT_TOKENS=8000 and the answer',
      Titles: '✓ json_schema → json_schema',
      Memory: '✓ json_schema → json_schema',
      'Tool calls': '✓ streamed → the assistant looks products up',
      Stop: expect.stringMatching(/^✓ the next answer begins after .* → the connection is closed$/),
    });
    expect(code).toBe(0);
    // The answer is asked for twice, because the first request has the wrong limit.
    expect(output).toMatch(/^7 calls, \d+ tokens\.$/m);
    expect(provider.bodies.filter(({ messages }) => messages)).toHaveLength(7);
  });

  test('shows the other ways that Parley takes with a provider that refuses much', async () => {
    const { refusals, ...profile } = getProfile('Mistral');
    await using provider = await startProfileProvider({
      ...profile,
      models: { data: [{ id: 'm', max_context_length: 4_096 }] },
      stream: { ...profile.stream, after: [{ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }] },
      refusals: [
        ...refusals,
        { when: { equals: ['response_format.type', 'json_schema'] }, status: 400, body: { message: 'no' } },
        { when: { has: 'temperature' }, status: 400, body: { message: "'temperature' is not supported" } },
        { when: { hasRole: 'system' }, status: 400, body: { message: 'System role not supported' } },
      ],
    });
    const { code, rows } = await run({ OPENAI_BASE_URL: provider.baseUrl, OPENAI_MODEL: 'm', TEMPERATURE: '1' });
    expect(rows).toMatchObject({
      Model: '✓ m is listed',
      Answer: FIRST_TEXT,
      Usage: '! stream_options are refused → estimated with a tokenizer',
      Instructions: '! the role system is refused → in front of the first message of the user',
      TEMPERATURE: '! refused → left out; remove TEMPERATURE',
      Context: '! 4096 tokens → prompts are shortened to it; CONTEXT_TOKENS=8000 is larger',
      Titles: '! no json_schema → json_object, the schema is in the prompt',
      Memory: '! no json_schema → json_object, the schema is in the prompt',
      'Tool calls': '! none → the assistant answers without looking products up',
    });
    expect(code).toBe(0);
  });

  test('ends with exit code 1 and advice if the key is wrong', async () => {
    const key = 'a-wrong-key-1234';
    await using provider = await RawProvider.start((_request, response) => {
      const error = { message: `Incorrect API key provided: ${key}` };
      response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    });
    const { code, rows, output } = await run({ OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: key });
    expect(rows).toEqual({ Model: '✗ The provider rejects the API key: correct OPENAI_API_KEY.' });
    expect(output).toMatch(/^Does not work: Model\.$/m);
    expect(output).not.toContain(key);
    expect(code).toBe(1);
  });

  test.each([
    [
      'a wrong key, by the first call',
      { status: 401, error: { message: 'Incorrect API key provided: KEY' } },
      {
        Answer: '✗ PROVIDER_REJECTED (401): Incorrect API key provided: [secret] → correct OPENAI_API_KEY',
      },
    ],
    [
      'an unknown model',
      { status: 404, error: { message: 'The model `x` does not exist', code: 'model_not_found' } },
      {
        Answer:
          '✗ PROVIDER_REJECTED (404): The model `x` does not exist → set OPENAI_MODEL to a model of this provider, or correct OPENAI_BASE_URL',
      },
    ],
    [
      'an account without credit, and a message that controls the terminal',
      { status: 402, error: { message: 'Pay\u001b[2J\nnow' } },
      { Answer: '✗ PROVIDER_QUOTA_EXCEEDED (402): Pay [2J now → pay: the account is out of credit' },
    ],
  ])('says what to do about %s', async (_what, { status, error }, expected) => {
    const key = 'a-wrong-key-1234';
    await using provider = await RawProvider.start((request, response) => {
      response.writeHead(request.method === 'GET' ? 404 : status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error }).replace('KEY', key));
    });
    const { rows, output } = await check({ OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: key });
    expect(rows).toEqual({ Model: '– the provider lists no models', ...expected });
    expect(output).not.toContain(key);
  });

  test('says what to do if nothing listens at the URL, and checks the fallback', async () => {
    await using fallback = await startProfileProvider(getProfile('Ollama'));
    const { rows } = await check({
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
      OPENAI_FALLBACK_BASE_URL: fallback.baseUrl,
      OPENAI_FALLBACK_MODEL: 'second',
    });
    expect(rows).toEqual({
      Model: '✗ Could not reach the provider: start it, or correct OPENAI_BASE_URL.',
      Fallback: expect.stringMatching(/^✓ .* → called after 429, 5xx and timeouts/),
    });
  });

  test('names the setting of the model for titles or for the memory', async () => {
    const profile = getProfile('Ollama');
    const refusal = { status: 404, body: { error: { message: 'no such model' } } };
    await using provider = await startProfileProvider({
      ...profile,
      refusals: ['small', 'smaller'].map((model) => ({ ...refusal, when: { equals: ['model', model] } })),
    });
    const models = { OPENAI_MODEL_TITLES: 'small', OPENAI_MODEL_MEMORY: 'smaller' };
    const { rows } = await check({ OPENAI_BASE_URL: provider.baseUrl, ...models });
    expect(rows).toMatchObject({
      Answer: FIRST_TEXT,
      Titles: expect.stringMatching(/^✗ .*no such model → set OPENAI_MODEL_TITLES to/),
      Memory: expect.stringMatching(/^✗ .*no such model → set OPENAI_MODEL_MEMORY to/),
    });
  });

  test('asks the demo model if no provider is configured, and says so', async () => {
    const { code, rows, output } = await run({ OPENAI_API_KEY: '', OPENAI_BASE_URL: '' });
    expect(output).toMatch(/^No provider is configured: this is the built-in demo model\./);
    expect(rows).toMatchObject({
      Answer: FIRST_TEXT,
      Titles: expect.stringMatching(/^✓/),
      Memory: expect.stringMatching(/^✓/),
    });
    expect(code).toBe(0);
  });
});
