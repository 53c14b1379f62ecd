import { print } from 'graphql';
import { LogoutAllDocument, MeDocument } from '../../src/client/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { describeFleet } from '../kit/fleet.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

const query = print(MeDocument);
const EMAIL = '"email":';
const HERE = 0;
const THERE = 1;

/** By hand, since each request has to reach a certain instance. */
describeFleet('a single connection over two instances', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeEach(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  function send(instance: number, method: string, token: string | null, more: RequestInit = {}, who = jane) {
    const headers = { authorization: `Bearer ${who.accessToken}`, 'content-type': 'application/json', ...more.headers };
    return fetch(`${server.instances[instance]!.url}/graphql/stream${token ? `?token=${token}` : ''}`, {
      method,
      ...more,
      headers,
    });
  }
  const post = (instance: number, token: string, operation: object, operationId: unknown = '1', who = jane) =>
    send(instance, 'POST', token, { body: JSON.stringify({ ...operation, extensions: { operationId } }) }, who);
  const reserve = async (instance: number): Promise<string> => await (await send(instance, 'PUT', null)).text();
  const get = (instance: number, token: string, who = jane) =>
    send(instance, 'GET', token, { headers: { accept: 'text/event-stream' } }, who);

  async function open(instance: number, token: string) {
    const response = await get(instance, token);
    expect(response.status).toBe(200);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let received = '';
    return {
      /** Reads until that has come; false where the stream ends first. */
      async until(text: string): Promise<boolean> {
        while (!received.includes(text)) {
          const { done, value } = await reader.read();
          if (done) return false;
          received += value;
        }
        return true;
      },
      close: () => reader.cancel(),
    };
  }

  test('reserved at one, opened at the other, and fed at both', async () => {
    const token = await reserve(HERE);
    const stream = await open(THERE, token);
    for (const [i, instance] of [HERE, THERE, HERE].entries()) {
      expect((await post(instance, token, { query }, `op-${i}`)).status).toBe(202);
      expect(await stream.until(`event: complete\ndata: {"id":"op-${i}"}`)).toBe(true);
    }
    expect(await stream.until(EMAIL)).toBe(true);
    await stream.close();
  });

  test('an operation id is text, in all that is said of it', async () => {
    const { answer } = await jane.ask('Count', { stream: false });
    const token = await reserve(HERE);
    const stream = await open(HERE, token);
    const deltas = 'subscription ($id: ID!) { answerStream(answerId: $id) { ... on AnswerDelta { text } } }';
    await post(HERE, token, { query: deltas, variables: { id: answer.id } }, 7);
    expect(await stream.until('{"id":"7","payload":{"data":{"answerStream":{"text"')).toBe(true);
    expect(await stream.until('event: complete\ndata: {"id":"7"}')).toBe(true);
    await stream.close();
  });

  test('an operation that takes long is accepted at once, and ended from the other instance', async () => {
    const token = await reserve(HERE);
    const stream = await open(THERE, token);
    const taken = server.provider.takeCall();
    const ask = 'mutation { askQuestion(input: { question: "Long", stream: false }) { answer { content } } }';
    expect((await post(HERE, token, { query: ask }, 'ask')).status).toBe(202);
    const call = await taken;
    call.delta('At last');
    FakeProvider.done(call);
    expect(await stream.until('"content":"At last"')).toBe(true);

    const { answer } = await jane.ask('Follow me', { stream: false });
    const updates = 'subscription { conversationUpdates { type } }';
    expect((await post(HERE, token, { query: updates }, 'updates')).status).toBe(202);
    const end = await fetch(`${server.instances[HERE]!.url}/graphql/stream?token=${token}&operationId=updates`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${jane.accessToken}` },
    });
    expect(end.status).toBe(200);
    expect(await stream.until('event: complete\ndata: {"id":"updates"}')).toBe(true);
    expect(answer.status).toBe('COMPLETED');
    await stream.close();
  });

  test('what is wrong with a request is told as on one instance', async () => {
    const token = await reserve(HERE);
    const stream = await open(THERE, token);
    const answersAt = async (instance: number) => {
      const updates = { query: 'subscription { conversationUpdates { type } }' };
      const first = await post(instance, token, updates, `twice-${instance}`);
      const second = await post(instance, token, updates, `twice-${instance}`);
      const noId = await send(instance, 'POST', token, { body: JSON.stringify({ query }) });
      const noJson = await send(instance, 'POST', token, { body: '{' });
      const tooLong = await send(instance, 'POST', token, { body: JSON.stringify({ query: 'x'.repeat(1_100_000) }) });
      const openTwice = await get(instance, token);
      const answers = [first, second, noId, noJson, tooLong, openTwice];
      return await Promise.all(answers.map(async (answer) => [answer.status, await answer.text()]));
    };
    const there = await answersAt(THERE);
    expect(there.map(([status]) => status)).toEqual([202, 409, 400, 400, 400, 409]);
    expect(await answersAt(HERE)).toEqual(there);
    await stream.close();
  });

  test('a request that comes before the stream is open waits for it', async () => {
    const token = await reserve(HERE);
    const posted = post(HERE, token, { query });
    const stream = await open(THERE, token);
    expect((await posted).status).toBe(202);
    expect(await stream.until(EMAIL)).toBe(true);
    await stream.close();
  });

  test('a token is of use to its own session only, at any instance, and to none that has ended', async () => {
    const mallory = await server.user();
    const token = await reserve(HERE);
    for (const instance of [HERE, THERE]) expect((await get(instance, token, mallory)).status).toBe(404);
    const stream = await open(THERE, token);
    for (const instance of [HERE, THERE]) {
      expect((await get(instance, token, mallory)).status).toBe(404);
      expect((await post(instance, token, { query }, '1', mallory)).status).toBe(404);
      expect((await send(instance, 'DELETE', `${token}&operationId=1`, {}, mallory)).status).toBe(404);
    }
    await jane.request(LogoutAllDocument);
    expect(await stream.until('nothing').catch(() => false)).toBe(false);
    for (const instance of [HERE, THERE]) expect((await post(instance, token, { query })).status).toBe(404);
  });

  test('a session has twenty streams, over all instances, and each that closes makes room', async () => {
    const tokens: string[] = [];
    for (let i = 0; i < 20; i += 1) tokens.push(await reserve(i % 2));
    for (const instance of [HERE, THERE]) expect((await send(instance, 'PUT', null)).status).toBe(429);
    const stream = await open(THERE, tokens[0]!);
    for (const instance of [HERE, THERE]) expect((await send(instance, 'PUT', null)).status).toBe(429);
    await stream.close();
    await until(async () => (await send(HERE, 'PUT', null)).status !== 429);
    expect((await post(HERE, tokens[0]!, { query })).status).toBe(404);
  });

  test('when its instance goes away, orderly or not, a stream is gone within seconds', async () => {
    const [first, second] = [await reserve(HERE), await reserve(HERE)];
    const streams = [await open(THERE, first), await open(THERE, second)];
    await streams[0]!.close();
    await until(async () => (await post(HERE, first, { query })).status === 404);
    // As after a crash: it says nothing any more, and cannot take back what it has said.
    server.instances[THERE]!.services.redis!.client.disconnect();
    await server.instances[THERE]![Symbol.asyncDispose]();
    const began = Date.now();
    expect((await post(HERE, second, { query })).status).toBe(404);
    expect(Date.now() - began).toBeLessThan(8_000);
  });

  test('while Redis is away there are no new ones, and those that are open go on', async () => {
    const token = await reserve(HERE);
    const stream = await open(THERE, token);
    server.instances[THERE]!.services.redis!.client.disconnect();
    expect((await send(THERE, 'PUT', null)).status).toBe(503);
    expect((await post(THERE, token, { query })).status).toBe(202);
    expect(await stream.until(EMAIL)).toBe(true);
    await stream.close();
  });
});
