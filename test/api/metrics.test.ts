import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

/** Sums a sample over all instances. */
async function total(server: TestServer, sample: string): Promise<number> {
  const texts = await Promise.all(
    server.instances.map(async ({ url }) => {
      const response = await fetch(`${url}/metrics`);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      return await response.text();
    }),
  );
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith(`${sample} `));
  expect(lines.length).toBeGreaterThan(0);
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

test('/metrics exposes running answers, provider calls and tokens', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const taken = server.provider.takeCall();
  const { answer, conversation } = await jane.ask('How much?');
  const call = await taken;
  call.delta('So ');
  const follower = jane.follow(answer.id);
  await follower.until('So ');
  expect(await total(server, 'parley_answers_running')).toBe(1);
  expect(await total(server, 'parley_followers')).toBe(1);
  expect(await total(server, 'parley_connections')).toBe(1);
  call.delta('much.');
  FakeProvider.done(call);
  await follower.rest();

  const failing = server.provider.takeCall();
  const asked = jane.ask('And now?', { conversationId: conversation.id, stream: false });
  (await failing).fail(503, { message: 'busy' });
  await asked;
  await server.settled();
  expect(await total(server, 'parley_answers_running')).toBe(0);
  expect(await total(server, 'parley_followers')).toBe(0);
  expect(await total(server, 'parley_model_calls_total{purpose="answer",outcome="ok"}')).toBe(1);
  expect(await total(server, 'parley_model_calls_total{purpose="answer",outcome="PROVIDER_UNAVAILABLE"}')).toBe(1);
  expect(await total(server, 'parley_model_calls_total{purpose="conversation_title",outcome="ok"}')).toBe(1);
  expect(await total(server, 'parley_model_first_text_seconds_count')).toBe(1);
  expect(await total(server, 'parley_model_tokens_total{purpose="answer",kind="prompt"}')).toBe(11);
  expect(await total(server, 'parley_model_tokens_total{purpose="answer",kind="completion"}')).toBe(7);
  expect(await total(server, 'parley_http_request_seconds_count{status="200"}')).toBeGreaterThanOrEqual(3);
  expect(await total(server, 'process_resident_memory_bytes')).toBeGreaterThan(0);
});

test('/metrics requires METRICS_TOKEN if it is set', async () => {
  await using server = await TestServer.start({ METRICS_TOKEN: 'a-token-for-prometheus' });
  const url = `${server.server.url}/metrics`;
  const read = async (authorization?: string) =>
    (await fetch(url, { headers: authorization ? { authorization } : {} })).status;
  expect(await read()).toBe(401);
  expect(await read('Bearer a-token-for-prometheu')).toBe(401);
  expect(await read(`Bearer ${(await server.user()).accessToken}`)).toBe(401);
  expect(await read('Bearer a-token-for-prometheus')).toBe(200);
});

test.each([
  ['is disabled without METRICS_TOKEN', {}, 404],
  ['accepts METRICS_TOKEN', { METRICS_TOKEN: 'a-token-for-prometheus' }, 200],
])('in production, /metrics %s', async (_description, settings, status) => {
  await using server = await TestServer.start({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    JWT_SECRET: 'a test secret with at least 32 characters',
    ...settings,
  });
  const headers = { authorization: 'Bearer a-token-for-prometheus' };
  expect((await fetch(`${server.server.url}/metrics`, { headers })).status).toBe(status);
});
