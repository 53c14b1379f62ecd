import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import {
  AskQuestionDocument,
  RenameConversationDocument,
  UpdateProfileDocument,
} from '../../client/src/generated/graphql.js';
import { TestServer } from '../kit/server.js';

/** `fetch` does not send another Host header. */
async function getWithHost(url: string, host: string): Promise<number> {
  const [response] = (await once(httpRequest(url, { headers: { host } }).end(), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode!;
}

const production = {
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  JWT_SECRET: 'x'.repeat(40),
  OPENAI_API_KEY: 'sk-test-of-the-operator-0123456789',
};

describe('a server in development on a loopback address', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start({ CORS_ORIGIN: 'http://dev.example.com:3000' })));
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(['localhost:1234', '127.0.0.1', '[::1]:4000', 'parley.localhost', 'parley', 'dev.example.com'])(
    'accepts the Host %s',
    async (host) => {
      expect(await getWithHost(`${server.url}/healthz`, host)).toBe(200);
    },
  );

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:4000'])(
    'rejects the Host %s, which may have been rebound',
    async (host) => {
      expect(await getWithHost(`${server.url}/healthz`, host)).toBe(421);
      expect(await getWithHost(`${server.url}/graphql`, host)).toBe(421);
      const url = `${server.url.replace('http', 'ws')}/graphql`;
      const socket = new WebSocket(url, 'graphql-transport-ws', { headers: { host }, origin: `http://${host}` });
      const [error] = (await once(socket, 'error')) as [Error];
      expect(error.message).toContain('403');
    },
  );

  test('responses of the API are not cached and cannot be framed', async () => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });

  test('the playground has a strict policy', async () => {
    const response = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe-eval');
  });

  test.each([
    '\u202Egnp.exe',
    'a\u2066b',
    'Jane\u200B',
    '\u200D',
    'Ja\u200Dne',
    '\u3164',
    '\uFEFFJane',
    '\u200E\u200F',
  ])('invisible and reordering characters are no name or title: %j', async (text) => {
    const jane = await server.user();
    const { conversation } = await jane.ask('A question');
    const renamed = await jane.getErrors(RenameConversationDocument, { input: { id: conversation.id, title: text } });
    const updated = await jane.getErrors(UpdateProfileDocument, { input: { name: text } });
    expect(renamed[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { title: expect.any(String) } });
    expect(updated[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { name: expect.any(String) } });
    await jane.getErrors(AskQuestionDocument, { input: { question: '\u200B\u202E' } });
  });

  test.each(['Jane 👩‍👩‍👧', 'می‌خواهم', 'क्‍ष', 'Ünïcödé', '🏳️‍🌈'])('%s is a name and a title', async (text) => {
    const jane = await server.user({ name: text });
    const { conversation } = await jane.ask(text);
    await jane.request(RenameConversationDocument, { input: { id: conversation.id, title: text } });
  });

  test('the first title of a conversation contains no reordering characters', async () => {
    const jane = await server.user();
    expect((await jane.ask('\u202EHello \u200Bthere')).conversation.title).toBe('Hello there');
  });
});

describe('a server in production', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start(production)));
  afterAll(() => server[Symbol.asyncDispose]());

  test('accepts any Host, which its proxy decides', async () => {
    expect(await getWithHost(`${server.url}/healthz`, 'chat.example.com')).toBe(200);
  });

  test.each([
    '{ mee { id } }',
    'mutation { registr }',
    '{ me { naem } }',
    '{ conversation(idd: "1") { id } }',
    'query ($v: Strin) { me { id } }',
    'mutation { login(input: { emial: "a", password: "b" }) { accessToken } }',
    '{ usage(scope: MIEN) { answers } }',
    '{ __schema { types { name } } }',
    '{ __type(name: "User") { name } }',
  ])('suggests nothing and does not mention introspection, on every transport: %s', async (query) => {
    const overHttp = (await server.anyone.getErrors(query)).map(({ message }) => message).join();
    const overSocket = await server.anyone.requestOverSocket(query).then(
      () => 'no error',
      (errors: { message: string }[]) => errors.map(({ message }) => message).join(),
    );
    for (const message of [overHttp, overSocket]) {
      expect(message).not.toMatch(/did you mean|introspection|no error/i);
      expect(message).toMatch(/Cannot query field|Unknown|not defined|does not exist/);
    }
    expect(overSocket).toBe(overHttp);
  });
});
