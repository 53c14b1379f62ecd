import { randomUUID } from 'node:crypto';
import { findLines } from '../kit/log-lines.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

const ME = 'query WhoAmI { me { email } }';
const UPDATES = 'subscription Watch { conversationUpdates { conversationId } }';

describe('the log of operations', () => {
  let server: TestServer;
  beforeEach(async () => void (server = await TestServer.start()));
  afterEach(() => server[Symbol.asyncDispose]());

  const MS = expect.any(Number);

  async function post(body: object, headers: Record<string, string> = {}): Promise<string> {
    const requestId = randomUUID();
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': requestId, ...headers },
      body: JSON.stringify(body),
    });
    await response.text();
    return requestId;
  }

  const findOperations = (requestId: string) => findLines(server, { event: 'operation', requestId });

  test('a request has one line with its user, its name and its outcome, without content', async () => {
    const jane = await server.user();
    const requestId = await post({ query: ME }, { authorization: `Bearer ${jane.accessToken}` });
    expect(findOperations(requestId)).toEqual([
      {
        level: 30,
        time: MS,
        msg: 'Operation',
        event: 'operation',
        requestId,
        transport: 'http',
        operation: 'WhoAmI',
        kind: 'query',
        userId: jane.id,
        address: '127.0.0.1',
        durationMs: MS,
        outcome: 'ok',
      },
    ]);
    expect(server.logged.join('')).not.toContain(jane.email);
  });

  test.each<[string, object, Record<string, string>, object]>([
    ['without a token', { query: ME }, {}, { operation: 'WhoAmI', kind: 'query', outcome: 'UNAUTHENTICATED' }],
    [
      'with several errors of one kind',
      { query: '{ a: me { id } b: me { id } }' },
      {},
      { operation: null, kind: 'query', outcome: 'UNAUTHENTICATED' },
    ],
    ['with an invalid document', { query: '{ nothing }' }, {}, { kind: null, outcome: 'GRAPHQL_VALIDATION_FAILED' }],
    ['with an unknown hash', hash('0'.repeat(64)), {}, { kind: null, outcome: 'PERSISTED_QUERY_NOT_FOUND' }],
    ['without a document', {}, {}, { kind: null, outcome: 'BAD_USER_INPUT' }],
    ['with a type that is not offered', { query: ME }, { accept: 'image/png' }, { outcome: 'BAD_USER_INPUT' }],
    ['with a name of 10,000 characters', { query: ME, operationName: 'x'.repeat(10_000) }, {}, { kind: null }],
  ])('a refused request (%s) has one line with its code', async (_, body, headers, expected) => {
    const lines = findOperations(await post(body, headers));
    expect(lines).toMatchObject([{ transport: 'http', userId: null, ...expected }]);
    expect(JSON.stringify(lines).length).toBeLessThan(1000);
  });

  test('errors are counted by their code', async () => {
    await post({ query: ME });
    await post({ query: '{ nothing }' });
    const metrics = await Promise.all(server.instances.map(({ services }) => services.metrics.graphqlErrors.get()));
    const counts = metrics.flatMap(({ values }) => values.map(({ labels, value }) => [labels.code, value]));
    expect(counts.sort()).toEqual([
      ['GRAPHQL_VALIDATION_FAILED', 1],
      ['UNAUTHENTICATED', 1],
    ]);
  });

  test('a subscription over a WebSocket has one line when it ends', async () => {
    const jane = await server.user();
    const updates = await jane.watch();
    expect(findLines(server, { event: 'operation', transport: 'websocket' })).toEqual([]);
    updates.stop();
    await until(() => findLines(server, { event: 'operation', transport: 'websocket' }).length === 1);
    expect(findLines(server, { event: 'operation', transport: 'websocket' })).toMatchObject([
      { operation: 'ConversationUpdates', kind: 'subscription', userId: jane.id, outcome: 'ok' },
    ]);
  });

  test('a subscription over SSE has one line when the client leaves, and a refused one at once', async () => {
    const jane = await server.user();
    const accept = { accept: 'text/event-stream' };
    const refused = await post({ query: UPDATES }, accept);
    expect(findOperations(refused)).toMatchObject([
      { transport: 'sse', operation: 'Watch', kind: 'subscription', outcome: 'UNAUTHENTICATED' },
    ]);
    const requestId = randomUUID();
    const leaving = new AbortController();
    const response = await fetch(`${server.url}/graphql/stream`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-request-id': requestId,
        authorization: `Bearer ${jane.accessToken}`,
        ...accept,
      },
      body: JSON.stringify({ query: UPDATES }),
      signal: leaving.signal,
    });
    expect(response.status).toBe(200);
    expect(findOperations(requestId)).toEqual([]);
    leaving.abort();
    await until(() => findOperations(requestId).length === 1);
    expect(findOperations(requestId)).toMatchObject([{ transport: 'sse', userId: jane.id, outcome: 'ok' }]);
  });
});

function hash(sha256Hash: string): object {
  return { extensions: { persistedQuery: { version: 1, sha256Hash } } };
}
