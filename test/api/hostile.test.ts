import { connect } from 'node:net';
import { once } from 'node:events';
import { AskQuestionDocument, EmailAvailableDocument, RegisterDocument } from '../../client/src/generated/graphql.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { sql } from '../../src/platform/db/sql.js';
import type { ApiClient } from '../kit/user.js';

describe('hostile input', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each<[string, string, object]>([
    ['page sizes in variables', 'first: $n', { n: 100 }],
    ['default page sizes', '', {}],
  ])('nested lists are limited by a budget of rows with %s', async (_description, args, more) => {
    let conversationId: string | undefined;
    for (let i = 0; i < 60; i += 1)
      conversationId = (await jane.ask('q', { stream: false, conversationId })).conversation.id;
    const page = args ? `messages(${args})` : 'messages';
    const query = `query ($id: ID!${args ? ', $n: Int' : ''}) { conversation(id: $id) { ${page} { nodes { conversation { ${page} {
      nodes { conversation { ${page} { nodes { id } } } } } } } } } }`;
    expect(await jane.getErrorCode(query, { id: conversationId, ...more })).toBe('QUERY_TOO_COMPLEX');
  });

  test.each<[string, string, object, object]>([
    ['an unused variable', 'query ($x: Int) { __typename }', {}, { code: 'GRAPHQL_VALIDATION_FAILED' }],
    [
      'null for a field with a default',
      'mutation ($s: Boolean) { askQuestion(input: { question: "SECRET", stream: $s }) { answer { id } } }',
      { s: null },
      { code: 'BAD_USER_INPUT' },
    ],
    [
      'a value that contains a separator of error messages',
      'mutation ($i: LoginInput!) { login(input: $i) { accessToken } }',
      { i: { email: 'a', password: ['x; y', { z: 's3cret' }] } },
      { code: 'BAD_USER_INPUT', fields: { password: 'Must be a value of type String!.' } },
    ],
    [
      'a hundred unknown fields',
      'mutation ($i: LoginInput!) { login(input: $i) { accessToken } }',
      { i: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, 1])) },
      { code: 'BAD_USER_INPUT' },
    ],
    ['a query that is too long', `{ me { id } } # ${'x'.repeat(100_000)}`, {}, { code: 'QUERY_TOO_COMPLEX' }],
  ])(
    '%s is rejected over both transports without repeating its value',
    async (_description, query, variables, extensions) => {
      const http = await jane.getErrors(query, variables);
      expect(http[0]!.extensions).toMatchObject(extensions);
      const socket = (await jane.requestOverSocket(query, variables as Record<string, unknown>).then(
        () => [],
        (errors: unknown) => errors,
      )) as { extensions: object }[];
      expect(socket[0]!.extensions).toMatchObject(extensions);
      expect(JSON.stringify([http, socket])).not.toMatch(/s3cret|SECRET/);
      expect(server.logged.join('')).not.toMatch(/s3cret|SECRET/);
    },
  );

  test('an email with an unpaired surrogate or a control character is rejected', async () => {
    for (const email of ['a\ud800@x.com', '"\u0001"@example.com', 'a\0@example.com']) {
      expect(await server.anyone.getErrorCode(EmailAvailableDocument, { email })).toBe('BAD_USER_INPUT');
      expect(await server.anyone.getErrorCode(RegisterDocument, { input: { email, password: PASSWORD } })).toBe(
        'BAD_USER_INPUT',
      );
    }
  });

  test('a subscription whose root field is skipped does not affect other operations on its socket', async () => {
    const { answer } = await jane.ask('q', { stream: false });
    const query = 'subscription ($id: ID!) { answerStream(answerId: $id) @skip(if: true) { __typename } }';
    await jane.requestOverSocket(query, { id: answer.id }).catch(() => {});
    expect(await jane.requestOverSocket('{ me { id } }')).toMatchObject({ me: expect.anything() });
  });

  test('concurrent questions with one request id get one answer', async () => {
    const { conversation } = await jane.ask('Start', { stream: false });
    const clients = Array.from({ length: 3 }, () => server.client(jane.accessToken));
    await Promise.all(clients.map((client) => client.requestOverSocket('{ me { id } }')));
    const ask = 'mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { answer { id } } }';
    const input = { question: 'Race', conversationId: conversation.id, requestId: 'race', stream: false };
    const race = clients.flatMap((client) => Array.from({ length: 4 }, () => client.requestOverSocket(ask, { input })));
    const ids = (await Promise.all(race)).map(
      (data) => (data as { askQuestion: { answer: { id: string } } }).askQuestion.answer.id,
    );
    expect(new Set(ids).size).toBe(1);
  });

  test('a rejected socket that stays half open does not keep the server from closing', async () => {
    const other = await TestServer.start();
    const { port, hostname } = new URL(other.url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    await once(socket, 'connect');
    socket.write(
      'GET /nope HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    expect(bytes.toString()).toMatch(/^HTTP\/1\.1 404 Not Found\r\nx-request-id: /);
    await other[Symbol.asyncDispose]();
    socket.destroy();
  });

  test('an answer is stored after the database has rejected it temporarily', async () => {
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Keep this');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('All of it');
    await follower.until('All of it');
    const { em } = server;
    const refusing = sql(em, {
      sqlite: `create trigger refuse before update on messages when new.status = 'COMPLETED'
        begin select raise(abort, 'no'); end`,
      postgresql: `create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
        create trigger refuse before update on messages for each row when (new.status = 'COMPLETED')
        execute function refuse()`,
    });
    await em.execute(refusing);
    call.finish('stop', null);
    await until(() => server.logged.some((line) => line.includes('Could not store an answer; retrying.')));
    await em.execute(sql(em, { sqlite: 'drop trigger refuse', postgresql: 'drop trigger refuse on messages' }));
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'All of it' });
    expect(await jane.getErrorCode(AskQuestionDocument, { input: { question: '' } })).toBe('BAD_USER_INPUT');
  });
});
