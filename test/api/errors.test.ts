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

  /** Runs an operation over both transports, expects equal errors and returns the first. */
  const errorOverBoth = async (query: string, variables: Record<string, unknown> = {}) => {
    const [http] = await jane.getErrors(query, variables);
    const [socket] = (await jane.requestOverSocket(query, variables).then(
      () => [],
      (errors) => errors,
    )) as never as [typeof http];
    expect(socket).toEqual(http);
    return http!;
  };

  test.each<[string, string, string, Record<string, unknown>?]>([
    ['a syntax error', 'GRAPHQL_PARSE_FAILED', '{ me { id '],
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
    ['a document that is too long', 'QUERY_TOO_COMPLEX', `{ ${'me { id } '.repeat(1_000)} }`],
    [
      'a query that is too expensive',
      'QUERY_TOO_COMPLEX',
      '{ conversation(id: "1") { messages(first: 100) { nodes { conversation { messages(first: 100) { nodes { content } } } } } } }',
    ],
    ['an argument of the wrong type', 'GRAPHQL_VALIDATION_FAILED', '{ message(id: [1]) { id } }'],
    ['an invalid argument', 'BAD_USER_INPUT', '{ emailAvailable(email: "no email") }'],
  ])('%s is %s over HTTP and WebSocket', async (_description, code, query, variables = {}) => {
    const error = await errorOverBoth(query, variables);
    expect(error.extensions).toMatchObject({ code });
    expect(error.extensions).not.toHaveProperty('stacktrace');
  });

  test.each<[string, unknown, string]>([
    ['a value of the wrong type', 5, 'question'],
    ['no value', undefined, 'question'],
    ['null', null, 'question'],
  ])('a variable with %s is BAD_USER_INPUT and names the field', async (_description, question, field) => {
    const error = await errorOverBoth(
      'mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { answer { id } } }',
      {
        input: { question },
      },
    );
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
  });

  test('an error does not repeat a secret in a variable', async () => {
    const error = await errorOverBoth('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
      input: { password: 'my secret password' },
    });
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { email: expect.any(String) } });
    expect(JSON.stringify(error)).not.toContain('my secret password');
  });

  test('an unknown input field is named', async () => {
    const error = await errorOverBoth('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
      input: { email: 'a@example.com', password: 'x', admin: true },
    });
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { admin: expect.any(String) } });
  });

  test.each([
    ['a page size of 0', { first: 0 }, 'first'],
    ['a page size over 100', { last: 101 }, 'last'],
    ['a negative page size', { first: -1 }, 'first'],
    ['first with last', { first: 1, last: 1 }, 'last'],
    ['a malformed cursor', { first: 1, after: 'nonsense' }, 'after'],
    [
      'a cursor that contains an operator',
      { first: 1, after: Buffer.from('[{"$ne":1}]').toString('base64url') },
      'after',
    ],
    ['a cursor of another list', { last: 1, before: Buffer.from('["x",2]').toString('base64url') }, 'before'],
  ])('%s is BAD_USER_INPUT and names the argument', async (_description, page, field) => {
    const { conversation } = await jane.ask('Pages', { stream: false });
    const query = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      conversation(id: $id) { messages(first: $first, after: $after, last: $last, before: $before) { totalCount } } }`;
    const error = await errorOverBoth(query, { id: conversation.id, ...page });
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
  });

  test('a malformed id reads as null', async () => {
    for (const id of ['', 'x', "'; drop table messages; --", '\u0000', '\ud83c', 'x'.repeat(10_000)]) {
      const query = 'query ($id: ID!) { message(id: $id) { id } conversation(id: $id) { id } }';
      expect(await jane.request(query, { id })).toEqual({ message: null, conversation: null });
    }
  });

  test('an unexpected error is masked and logged with its request id', async () => {
    const broken = jest.spyOn(MessageService.prototype, 'find').mockImplementation(() => {
      throw new Error('select * from messages -- the inside');
    });
    try {
      const error = await jane.getErrors('{ message(id: "x") { id } }');
      expect(error[0]).toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) } });
      expect(JSON.stringify(error)).not.toMatch(/inside|select|stack/);
      const line = server.logged.find((entry) => entry.includes(error[0]!.extensions['requestId'] as string));
      expect(line).toContain('the inside');

      const [socket] = (await jane
        .requestOverSocket('{ message(id: "x") { id } }')
        .catch((errors: unknown) => errors)) as never as [object];
      expect(socket).toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR' } });
      expect(JSON.stringify(socket)).not.toMatch(/inside|select|stack/);
    } finally {
      broken.mockRestore();
    }
  });

  test('a socket stays open after an operation fails', async () => {
    await expect(jane.requestOverSocket('{ nothing }')).rejects.toBeDefined();
    await expect(jane.requestOverSocket('{ me { id ')).rejects.toBeDefined();
    expect(await jane.requestOverSocket('{ me { email } }')).toMatchObject({ me: { email: expect.any(String) } });
  });

  describe('over HTTP', () => {
    const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
      fetch(`${server.url}/graphql`, { method: 'POST', body, headers });

    test.each<[string, string, string, number]>([
      ['invalid JSON', '{', 'BAD_USER_INPUT', 400],
      ['no query', '{}', 'BAD_USER_INPUT', 400],
      ['a list', '[]', 'BAD_USER_INPUT', 400],
      ['a body that is too long', JSON.stringify({ query: ' '.repeat(2_000_000) }), 'QUERY_TOO_COMPLEX', 413],
      [
        'an unknown persisted query',
        JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }),
        'PERSISTED_QUERY_NOT_FOUND',
        200,
      ],
      [
        'another version of persisted queries',
        JSON.stringify({ query: '{ __typename }', extensions: { persistedQuery: { version: 2, sha256Hash: 'x' } } }),
        'PERSISTED_QUERY_NOT_SUPPORTED',
        200,
      ],
      [
        'a hash of another query',
        JSON.stringify({ query: '{ __typename }', extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }),
        'BAD_USER_INPUT',
        400,
      ],
      ['a document id that is not a text', JSON.stringify({ documentId: 1 }), 'BAD_USER_INPUT', 400],
    ])('%s is rejected', async (_description, body, code, status) => {
      const response = await post(body);
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
    });

    test.each<[string, string, Record<string, string>, string]>([
      ['a form of another site', '{"query":"{ __typename }"}', { 'content-type': 'text/plain' }, 'CSRF'],
      ['a batch', '[{"query":"{ __typename }"}]', {}, 'BATCHING'],
      ['invalid JSON', '{', {}, 'INVALID_JSON'],
      [
        'a response that the client does not accept',
        '{"query":"{ __typename }"}',
        { accept: 'text/csv' },
        'NOT_ACCEPTABLE',
      ],
      ['a text in place of variables', '{"query":"{ __typename }","variables":"{}"}', {}, 'MALFORMED'],
    ])('%s is BAD_USER_INPUT with a reason', async (_description, body, headers, reason) => {
      const response = await post(body, { 'content-type': 'application/json', ...headers });
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', reason } }] });
    });

    test('a client that sends a whole body that is too long still reads the response', async () => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname);
      const body = ' '.repeat(4_000_000);
      const head = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
      await new Promise((resolve) => socket.write(`${head}\r\n\r\n${body}`, resolve));
      expect(String((await once(socket, 'data'))[0])).toContain(' 413 ');
      socket.destroy();
    });

    test('a cross-site form is rejected', async () => {
      const response = await post('{"query":"{ __typename }"}', { 'content-type': 'text/plain' });
      expect(response.status).toBe(415);
    });

    test('each response has a request id', async () => {
      const given = await fetch(`${server.url}/healthz`, { headers: { 'x-request-id': 'my-id.1' } });
      expect(given.headers.get('x-request-id')).toBe('my-id.1');
      const bad = await fetch(`${server.url}/nowhere`, { headers: { 'x-request-id': 'a b"c' } });
      expect(bad.status).toBe(404);
      expect(bad.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    });

    test('the health checks succeed', async () => {
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    });

    test('CORS allows only the configured origins', async () => {
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
