import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { followAnswer, LoginDocument, RefreshTokensDocument } from '../../client/src/index.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

/** A client whose socket the test can terminate. */
function createCuttableClient(url: string, token: string | (() => Promise<string>), retryAttempts: number) {
  let socket: WebSocket | null = null;
  const closes: number[] = [];
  let opened = Promise.withResolvers<void>();
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts,
    retryWait: () => Promise.resolve(),
    shouldRetry: () => true,
    connectionParams: async () => ({ authorization: `Bearer ${typeof token === 'string' ? token : await token()}` }),
    on: {
      connected: (given) => {
        socket = given as WebSocket;
        opened.resolve();
      },
      closed: (event) => closes.push((event as { code: number }).code),
    },
  });
  return {
    client,
    /** The close codes of its sockets. */
    closes,
    async cut() {
      await opened.promise;
      opened = Promise.withResolvers();
      socket!.terminate();
      await opened.promise;
    },
  };
}

describe('followAnswer', () => {
  test('returns the fields that the generated operations select', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const { answer } = await jane.ask('Short', { stream: false });
    expect(await followAnswer(jane.socket, answer.id)).toEqual(answer);
  });

  test.each([
    ['a client that reconnects', 5],
    ['a client that does not reconnect', 0],
  ])('with %s, ten lost connections neither lose nor repeat text', async (_description, retryAttempts) => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('A long one');
    const call = await taken;
    const { client, cut } = createCuttableClient(server.url, jane.accessToken!, retryAttempts);
    const texts: string[] = [];
    const following = followAnswer(client, answer.id, { onText: (text) => texts.push(text) });
    let text = '';
    for (let i = 0; i < 10; i += 1) {
      call.delta(`${i} 🌱 `);
      text += `${i} 🌱 `;
      await until(() => texts.at(-1) === text);
      await cut();
    }
    call.delta('end');
    FakeProvider.done(call);
    const finished = await following;
    expect(texts.at(-1)).toBe(`${text}end`);
    expect(finished).toMatchObject({ status: 'COMPLETED', content: `${text}end` });
    expect(texts.every((each, i) => i === 0 || each.startsWith(texts[i - 1]!))).toBe(true);
    await client.dispose();
  });

  test('resumes after a restart of the server with the stored text', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-'));
    try {
      const settings = { DATABASE_URL: `sqlite:${join(folder, 'parley.db')}` };
      const first = await TestServer.start(settings);
      const jane = await first.user();
      const taken = first.provider.takeCall();
      const { answer } = await jane.ask('Interrupted');
      const call = await taken;
      const { client } = createCuttableClient(first.url, jane.accessToken!, 0);
      const texts: string[] = [];
      const following = followAnswer(client, answer.id, { onText: (text) => texts.push(text) });
      call.delta('Until here');
      await until(() => texts.at(-1) === 'Until here');
      const { port } = new URL(first.url);
      await first[Symbol.asyncDispose]();

      await using second = await TestServer.start({ ...settings, PORT: port });
      const finished = await following;
      expect(finished).toMatchObject({
        status: 'FAILED',
        content: 'Until here',
        error: { code: 'INTERRUPTED', retryable: true },
      });
      expect(texts.at(-1)).toBe((await second.client(jane.accessToken).message(answer.id)).content);
      await client.dispose();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('resumes with a fresh token after a token expires', async () => {
    await using server = await TestServer.start({ JWT_EXPIRES_IN: '6s' });
    const email = 'short-lived@example.com';
    const jane = await server.user({ email });
    let tokens = (await server.anyone.request(LoginDocument, { input: { email, password: PASSWORD } })).login;
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('A long one');
    const call = await taken;
    let connections = 0;
    const { client, closes } = createCuttableClient(
      server.url,
      async () => {
        connections += 1;
        const input = { refreshToken: tokens.refreshToken };
        tokens = (await server.anyone.request(RefreshTokensDocument, { input })).refreshTokens;
        return tokens.accessToken;
      },
      0,
    );
    let text = '';
    const following = followAnswer(client, answer.id, { onText: (whole) => (text = whole) });
    while (connections < 2) {
      call.delta('.');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(new Set(closes)).toEqual(new Set([4403]));
    FakeProvider.done(call);
    expect((await following).content).toBe(text);
    await client.dispose();
  });

  test('starts at an offset, works over Server-Sent Events and stops when it is aborted', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const client = createSseClient({
      url: `${server.url}/graphql/stream`,
      headers: { authorization: `Bearer ${jane.accessToken}` },
    });
    const { answer } = await jane.ask('six', { stream: false });
    const texts: string[] = [];
    await followAnswer(client, answer.id, { offset: 4, text: 'You ', onText: (text) => texts.push(text) });
    expect(texts).toEqual(['You asked: six']);

    const taken = server.provider.takeCall();
    const running = await jane.ask('Stop me');
    const call = await taken;
    const controller = new AbortController();
    const following = followAnswer(client, running.answer.id, {
      signal: controller.signal,
      onText: () => controller.abort(new Error('enough')),
    });
    call.delta('x');
    await expect(following).rejects.toThrow('enough');
    FakeProvider.done(call);
    await jane.follow(running.answer.id).rest();
    client.dispose();
  });

  test('does not retry an unknown answer', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const { client } = createCuttableClient(server.url, jane.accessToken!, 0);
    await expect(followAnswer(client, 'x')).rejects.toMatchObject({
      name: 'FollowAnswerError',
      errors: [{ extensions: { code: 'NOT_FOUND' } }],
    });
    await client.dispose();
  });
});

describe('followAnswer with a scripted client', () => {
  type Sink = Parameters<Parameters<typeof followAnswer>[0]['subscribe']>[1];
  const delta = (offset: number, text: string) =>
    ({ data: { answerStream: { __typename: 'AnswerDelta', offset, text } } }) as never;

  /** A client whose events the test sends itself. */
  function createScriptedClient(onSubscribe: (sink: Sink) => void = () => {}) {
    const sinks: Sink[] = [];
    let unsubscribed = 0;
    const client = {
      subscribe(_payload: unknown, sink: Sink) {
        sinks.push(sink);
        onSubscribe(sink);
        return () => void (unsubscribed += 1);
      },
    };
    return { client, sinks, unsubscribed: () => unsubscribed };
  }

  test('an abort inside subscribe() rejects and unsubscribes', async () => {
    const controller = new AbortController();
    const { client, unsubscribed } = createScriptedClient(() => controller.abort(new Error('enough')));
    await expect(followAnswer(client, 'x', { signal: controller.signal })).rejects.toThrow('enough');
    expect(unsubscribed()).toBe(1);
  });

  test('ignores events after an error and unsubscribes', async () => {
    const texts: string[] = [];
    const { client, sinks, unsubscribed } = createScriptedClient();
    const following = followAnswer(client, 'x', { onText: (text) => texts.push(text) });
    sinks[0]!.next({ errors: [{ message: 'Answer not found.', extensions: { code: 'NOT_FOUND' } }] } as never);
    sinks[0]!.next(delta(0, 'late'));
    sinks[0]!.complete();
    await expect(following).rejects.toThrow('Answer not found.');
    expect(texts).toEqual([]);
    expect(unsubscribed()).toBe(1);
  });

  test('rejects with the error that onText throws and hides it from the client', async () => {
    const { client, sinks, unsubscribed } = createScriptedClient();
    const following = followAnswer(client, 'x', {
      onText: () => {
        throw new Error('mine');
      },
    });
    expect(() => sinks[0]!.next(delta(0, 'a'))).not.toThrow();
    await expect(following).rejects.toThrow('mine');
    expect(unsubscribed()).toBe(1);
  });
});
