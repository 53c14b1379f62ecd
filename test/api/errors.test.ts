import { once } from 'node:events';
import { connect } from 'node:net';
import { jest } from '@jest/globals';
import { MessageService } from '../../src/messages/message.service.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('errors', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** The same operation over both transports. */
  const both = async (query: string, variables: Record<string, unknown> = {}) => {
    const [http] = await jane.errorsOf(query, variables);
    const [socket] = (await jane.over(query, variables).then(
      () => [],
      (errors) => errors,
    )) as never as [typeof http];
    expect(socket).toEqual(http);
    return http!;
  };

  test.each<[string, string, string, Record<string, unknown>?]>([
    ['no document', 'GRAPHQL_PARSE_FAILED', '{ me { id '],
    ['an unknown field', 'GRAPHQL_VALIDATION_FAILED', '{ nothing }'],
    ['an unknown argument', 'GRAPHQL_VALIDATION_FAILED', '{ message(id: "1", to: "x") { id } }'],
    ['an unknown operation', 'GRAPHQL_VALIDATION_FAILED', 'query A { me { id } } query B { me { id } }'],
    [
      'too much depth',
      'QUERY_TOO_COMPLEX',
      `{ message(id: "1") { ${'inReplyTo { '.repeat(14)} id ${'} '.repeat(14)} } }`,
    ],
    [
      'too many aliases',
      'QUERY_TOO_COMPLEX',
      `{ ${Array.from({ length: 20 }, (_, i) => `a${i}: me { id }`).join(' ')} }`,
    ],
    ['too long a document', 'QUERY_TOO_COMPLEX', `{ ${'me { id } '.repeat(1_000)} }`],
    [
      'too costly a query',
      'QUERY_TOO_COMPLEX',
      '{ conversation(id: "1") { messages(first: 100) { nodes { conversation { messages(first: 100) { nodes { content } } } } } } }',
    ],
    ['an argument of another type', 'GRAPHQL_VALIDATION_FAILED', '{ message(id: [1]) { id } }'],
    ['an argument that is no address', 'BAD_USER_INPUT', '{ emailAvailable(email: "no email") }'],
  ])('%s is %s, over HTTP and on a socket', async (_what, code, query, variables = {}) => {
    const error = await both(query, variables);
    expect(error.extensions).toMatchObject({ code });
    expect(error.extensions).not.toHaveProperty('stacktrace');
  });

  test.each<[string, unknown, string]>([
    ['a value of another type', 5, 'question'],
    ['a missing value', undefined, 'question'],
    ['null', null, 'question'],
  ])('a variable with %s is BAD_USER_INPUT and names the field', async (_what, question, field) => {
    const error = await both('mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { answer { id } } }', {
      input: { question },
    });
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
  });

  test('a variable that holds a secret is not repeated', async () => {
    const error = await both('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
      input: { password: 'my secret password' },
    });
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { email: expect.any(String) } });
    expect(JSON.stringify(error)).not.toContain('my secret password');
  });

  test('an unknown field of an input is named', async () => {
    const error = await both('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
      input: { email: 'a@example.com', password: 'x', admin: true },
    });
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { admin: expect.any(String) } });
  });

  test.each([
    ['a page of nothing', { first: 0 }, 'first'],
    ['a page of too much', { last: 101 }, 'last'],
    ['a negative page', { first: -1 }, 'first'],
    ['both ends', { first: 1, last: 1 }, 'last'],
    ['a cursor that is none', { first: 1, after: 'nonsense' }, 'after'],
    ['a cursor with an operator', { first: 1, after: Buffer.from('[{"$ne":1}]').toString('base64url') }, 'after'],
    ['a cursor of another list', { last: 1, before: Buffer.from('["x",2]').toString('base64url') }, 'before'],
  ])('%s is BAD_USER_INPUT and names the argument', async (_what, page, field) => {
    const { conversation } = await jane.ask('Pages', { stream: false });
    const query = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      conversation(id: $id) { messages(first: $first, after: $after, last: $last, before: $before) { totalCount } } }`;
    const error = await both(query, { id: conversation.id, ...page });
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
  });

  test('ids that are no ids read as null', async () => {
    for (const id of ['', 'x', "'; drop table messages; --", '\u0000', '\ud83c', 'x'.repeat(10_000)]) {
      const query = 'query ($id: ID!) { message(id: $id) { id } conversation(id: $id) { id } }';
      expect(await jane.request(query, { id })).toEqual({ message: null, conversation: null });
    }
  });

  test('what was not foreseen is masked, with an id that finds it in the log', async () => {
    const broken = jest.spyOn(MessageService.prototype, 'find').mockImplementation(() => {
      throw new Error('select * from messages -- the inside');
    });
    try {
      const error = await jane.errorsOf('{ message(id: "x") { id } }');
      expect(error[0]).toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) } });
      expect(JSON.stringify(error)).not.toMatch(/inside|select|stack/);
      const line = server.logged.find((entry) => entry.includes(error[0]!.extensions['requestId'] as string));
      expect(line).toContain('the inside');

      const [socket] = (await jane.over('{ message(id: "x") { id } }').catch((errors: unknown) => errors)) as never as [
        object,
      ];
      expect(socket).toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR' } });
      expect(JSON.stringify(socket)).not.toMatch(/inside|select|stack/);
    } finally {
      broken.mockRestore();
    }
  });

  test("a socket survives one operation's errors", async () => {
    await expect(jane.over('{ nothing }')).rejects.toBeDefined();
    await expect(jane.over('{ me { id ')).rejects.toBeDefined();
    expect(await jane.over('{ me { email } }')).toMatchObject({ me: { email: expect.any(String) } });
  });

  describe('over bare HTTP', () => {
    const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
      fetch(`${server.url}/graphql`, { method: 'POST', body, headers });

    test.each<[string, string, string, number]>([
      ['no JSON', '{', 'BAD_USER_INPUT', 400],
      ['no query', '{}', 'BAD_USER_INPUT', 400],
      ['a list', '[]', 'BAD_USER_INPUT', 400],
      ['a body that is too long', JSON.stringify({ query: ' '.repeat(2_000_000) }), 'QUERY_TOO_COMPLEX', 413],
      [
        'a subscription',
        JSON.stringify({ query: 'subscription { answerStream(answerId: "x") { __typename } }' }),
        'GRAPHQL_VALIDATION_FAILED',
        400,
      ],
      [
        'a persisted query',
        JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }),
        'BAD_USER_INPUT',
        200,
      ],
    ])('%s', async (_what, body, code, status) => {
      const response = await post(body);
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
    });

    test('who sends a body that is too long to its end reads why it is refused', async () => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname);
      const body = ' '.repeat(4_000_000);
      const head = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
      await new Promise((resolve) => socket.write(`${head}\r\n\r\n${body}`, resolve));
      expect(String((await once(socket, 'data'))[0])).toContain(' 413 ');
      socket.destroy();
    });

    test('a form of another site is refused', async () => {
      const response = await post('{"query":"{ __typename }"}', { 'content-type': 'text/plain' });
      expect(response.status).toBe(400);
    });

    test('each response has the id of its request', async () => {
      const given = await fetch(`${server.url}/healthz`, { headers: { 'x-request-id': 'my-id.1' } });
      expect(given.headers.get('x-request-id')).toBe('my-id.1');
      const bad = await fetch(`${server.url}/nowhere`, { headers: { 'x-request-id': 'a b"c' } });
      expect(bad.status).toBe(404);
      expect(bad.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    });

    test('it is alive and ready', async () => {
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    });

    test('only allowed origins may read', async () => {
      const preflight = (origin: string) =>
        fetch(`${server.url}/graphql`, {
          method: 'OPTIONS',
          headers: {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'content-type,authorization',
          },
        });
      const good = await preflight('http://localhost:5173');
      expect(good.status).toBe(204);
      expect(good.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
      expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).not.toBe(
        'https://evil.example',
      );
    });
  });
});
