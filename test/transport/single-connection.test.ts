import { print } from 'graphql';
import {
  LogoutAllDocument,
  MeDocument,
  RegisterDocument,
  StartGuestSessionDocument,
} from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { describeFleet } from '../kit/fleet.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

const query = print(MeDocument);
const EMAIL = '"email":';

let server: TestServer;
let jane: ApiClient;
beforeEach(async () => {
  server = await TestServer.start();
  jane = await server.user();
});
afterEach(() => server[Symbol.asyncDispose]());

/** Sends requests to one instance, past the balancer. */
function requestsTo(instance: number) {
  function send(method: string, token: string | null, init: RequestInit = {}, user = jane) {
    const authorization = `Bearer ${user.accessToken}`;
    return fetch(`${server.instances[instance]!.url}/graphql/stream${token ? `?token=${token}` : ''}`, {
      method,
      ...init,
      headers: { authorization, 'content-type': 'application/json', ...init.headers },
    });
  }
  const get = (token: string, user = jane) => send('GET', token, { headers: { accept: 'text/event-stream' } }, user);
  return {
    put: () => send('PUT', null),
    reserve: async () => await (await send('PUT', null)).text(),
    get,
    post: (token: string, operation: object, operationId: unknown = '1', user = jane) =>
      send('POST', token, { body: JSON.stringify({ ...operation, extensions: { operationId } }) }, user),
    postText: (token: string, body: string) => send('POST', token, { body }),
    complete: (token: string, operationId: string, user = jane) =>
      send('DELETE', `${token}&operationId=${operationId}`, {}, user),
    async open(token: string) {
      const response = await get(token);
      expect(response.status).toBe(200);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let received = '';
      return {
        /** Reads until the text has arrived; false when the stream ends first. */
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
    },
  };
}

describe('a single connection', () => {
  const { put, reserve, get, post, postText, complete, open } = requestsTo(0);

  test('carries the results of all operations, by their ids', async () => {
    const token = await reserve();
    const stream = await open(token);
    for (const id of ['first', 'second']) {
      expect((await post(token, { query }, id)).status).toBe(202);
      expect(await stream.until(`event: complete\ndata: {"id":"${id}"}`)).toBe(true);
    }
    expect(await stream.until(EMAIL)).toBe(true);
    await stream.close();
  });

  test('of a guest that an account claims carries the running answer to its end, and closes then', async () => {
    await server[Symbol.asyncDispose]();
    server = await TestServer.start({ GUESTS: 'on' });
    const { startGuestSession } = await server.anyone.request(StartGuestSessionDocument);
    jane = server.client(startGuestSession.accessToken);
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('A story');
    const call = await taken;
    call.delta('Once ');
    const [idle, busy] = [await open(await reserve()), await reserve()];
    const stream = await open(busy);
    const deltas = 'subscription ($id: ID!) { answerStream(answerId: $id) { __typename ... on AnswerDelta { text } } }';
    await post(busy, { query: deltas, variables: { id: answer.id } });
    expect(await stream.until('Once ')).toBe(true);
    const input = { email: 'jane@example.com', password: PASSWORD, claim: startGuestSession.refreshToken };
    await server.anyone.request(RegisterDocument, { input });
    await expect(idle.until('nothing')).rejects.toThrow('terminated');
    call.delta('upon a time');
    FakeProvider.done(call);
    expect(await stream.until('upon a time')).toBe(true);
    expect(await stream.until('event: complete')).toBe(true);
    await expect(stream.until('nothing')).rejects.toThrow('terminated');
  });

  test('writes an operation id as a string in every event', async () => {
    const { answer } = await jane.ask('Count', { stream: false });
    const token = await reserve();
    const stream = await open(token);
    const deltas = 'subscription ($id: ID!) { answerStream(answerId: $id) { ... on AnswerDelta { text } } }';
    await post(token, { query: deltas, variables: { id: answer.id } }, 7);
    expect(await stream.until('{"id":"7","payload":{"data":{"answerStream":{"text"')).toBe(true);
    expect(await stream.until('event: complete\ndata: {"id":"7"}')).toBe(true);
    await stream.close();
  });

  test('delivers what was posted before it was opened', async () => {
    const token = await reserve();
    expect((await post(token, { query })).status).toBe(202);
    const stream = await open(token);
    expect(await stream.until(EMAIL)).toBe(true);
    await stream.close();
  });

  test('ends a subscription on DELETE', async () => {
    const token = await reserve();
    const stream = await open(token);
    const updates = { query: 'subscription { conversationUpdates { type } }' };
    expect((await post(token, updates, 'updates')).status).toBe(202);
    expect((await complete(token, 'updates')).status).toBe(200);
    expect(await stream.until('event: complete\ndata: {"id":"updates"}')).toBe(true);
    await stream.close();
  });

  test('rejects invalid requests', async () => {
    const token = await reserve();
    const stream = await open(token);
    const updates = { query: 'subscription { conversationUpdates { type } }' };
    expect((await post(token, updates, 'twice')).status).toBe(202);
    expect((await post(token, updates, 'twice')).status).toBe(409);
    expect((await postText(token, JSON.stringify({ query }))).status).toBe(400);
    expect((await postText(token, '{')).status).toBe(400);
    expect((await postText(token, JSON.stringify({ query: 'x'.repeat(1_100_000) }))).status).toBe(413);
    expect((await get(token)).status).toBe(409);
    await stream.close();
  });

  test('accepts only requests of its own session, while that lasts', async () => {
    const mallory = await server.user();
    const notFound = server.instances.length > 1 ? 409 : 404;
    const token = await reserve();
    expect((await get(token, mallory)).status).toBe(notFound);
    const stream = await open(token);
    expect((await get(token, mallory)).status).toBe(notFound);
    expect((await post(token, { query }, '1', mallory)).status).toBe(notFound);
    expect((await complete(token, '1', mallory)).status).toBe(notFound);
    await jane.request(LogoutAllDocument);
    expect(await stream.until('never sent').catch(() => false)).toBe(false);
    expect((await post(token, { query })).status).toBe(notFound);
  });

  test('keeps a limited number of refusals until they are sent', async () => {
    const token = await reserve();
    const responses = await Promise.all(
      Array.from({ length: 110 }, (_, i) => post(token, { query: '{ unknown }' }, `refused-${i}`)),
    );
    const refused = responses.filter(({ status }) => status !== 202);
    expect(refused).toHaveLength(10);
    for (const response of refused) {
      expect(response.status).toBe(429);
      const { errors } = (await response.json()) as { errors: [{ extensions: object }] };
      expect(errors[0].extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) });
    }
    const stream = await open(token);
    expect(await stream.until('{"id":"refused-0","payload":{"data":null,"errors":')).toBe(true);
    expect(await stream.until('GRAPHQL_VALIDATION_FAILED')).toBe(true);
    await stream.close();
  });

  test('is limited to twenty a session; closing one makes room', async () => {
    const tokens: string[] = [];
    for (let i = 0; i < 20; i += 1) tokens.push(await reserve());
    expect((await put()).status).toBe(429);
    const stream = await open(tokens[0]!);
    expect((await put()).status).toBe(429);
    await stream.close();
    await until(async () => (await put()).status !== 429);
  });
});

describeFleet('a single connection, with several instances', () => {
  const here = requestsTo(0);
  const there = requestsTo(1);
  const ROUTING = /Route requests of one stream to one instance, or use distinct connections over HTTP\/2\./;

  test('is unknown to the other instances, which answer with 409 and what to do', async () => {
    const token = await here.reserve();
    expect((await there.get(token)).status).toBe(409);
    const stream = await here.open(token);
    for (const request of [there.get(token), there.post(token, { query }), there.complete(token, '1')]) {
      const response = await request;
      expect(response.status).toBe(409);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(await response.json()).toEqual({ errors: [{ message: expect.stringMatching(ROUTING) }] });
    }
    expect((await here.post(token, { query })).status).toBe(202);
    expect(await stream.until(EMAIL)).toBe(true);
    await stream.close();
  });

  test('needs no Redis', async () => {
    server.instances[0]!.services.redis!.client.disconnect();
    const token = await here.reserve();
    const stream = await here.open(token);
    expect((await here.post(token, { query })).status).toBe(202);
    expect(await stream.until(EMAIL)).toBe(true);
    await stream.close();
  });

  test('follows an answer that another instance generates', async () => {
    const taken = server.provider.takeCall();
    const ask = 'mutation { askQuestion(input: { question: "There" }) { answer { id } } }';
    const asked = await fetch(`${server.instances[1]!.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${jane.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: ask }),
    });
    const { data } = (await asked.json()) as { data: { askQuestion: { answer: { id: string } } } };
    const call = await taken;
    const token = await here.reserve();
    const stream = await here.open(token);
    const deltas = 'subscription ($id: ID!) { answerStream(answerId: $id) { ... on AnswerDelta { text } } }';
    await here.post(token, { query: deltas, variables: { id: data.askQuestion.answer.id } });
    call.delta('At last');
    expect(await stream.until('At last')).toBe(true);
    FakeProvider.done(call);
    expect(await stream.until('event: complete')).toBe(true);
    await stream.close();
  });
});
