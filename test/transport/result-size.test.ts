import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

const MAX_BYTES = 65_536;
const CONTENT_LENGTH = 20_000;

let server: TestServer;
let jane: ApiClient;
let messageId: string;
beforeAll(async () => {
  server = await TestServer.start({ MAX_RESULT_BYTES: String(MAX_BYTES) });
  jane = await server.user();
  const { answer } = await jane.ask('x'.repeat(CONTENT_LENGTH), { stream: false });
  messageId = answer.id;
});
afterAll(() => server[Symbol.asyncDispose]());

const repeat = (n: number, field: string) => Array.from({ length: n }, (_, i) => `f${i}: ${field}`).join(' ');

type Body = { data?: unknown; errors?: { extensions: { code: string } }[] };

/** Runs a query by a transport, and returns its first result. */
const transports: Record<string, (query: string) => Promise<Body>> = {
  HTTP: async (query) => (await post('/graphql', query, 'application/json')).json() as Promise<Body>,
  'a WebSocket': (query) =>
    new Promise((resolve, reject) => {
      jane.socket.subscribe(
        { query },
        { next: (body) => resolve(body as Body), error: reject, complete: () => reject(new Error('No result.')) },
      );
    }),
  'Server-Sent Events': async (query) => {
    const text = await (await post('/graphql/stream', query, 'text/event-stream')).text();
    return JSON.parse(/^data: (.+)$/m.exec(text)![1]!) as Body;
  },
};

const post = (path: string, query: string, accept: string) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { accept, authorization: `Bearer ${jane.accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });

describe.each(Object.entries(transports))('over %s', (_name, send) => {
  test.each([
    ['aliases of a text', () => `{ message(id: "${messageId}") { ${repeat(15, 'content')} } }`],
    ['aliases of its message', () => `{ ${repeat(15, `message(id: "${messageId}") { content }`)} }`],
    ['lists of texts', () => `{ ${repeat(5, 'conversations { nodes { messages(last: 2) { nodes { content } } } }')} }`],
  ])('%s beyond the size of a result are QUERY_TOO_COMPLEX', async (_description, getQuery) => {
    const { data, errors } = await send(getQuery());
    expect(new Set(errors!.map(({ extensions }) => extensions.code))).toEqual(new Set(['QUERY_TOO_COMPLEX']));
    expect(JSON.stringify(data).length).toBeLessThan(MAX_BYTES + 2_000);
  });

  test('a result within the limit is complete', async () => {
    const { data, errors } = await send(`{ message(id: "${messageId}") { ${repeat(3, 'content')} } }`);
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data).length).toBeGreaterThan(3 * CONTENT_LENGTH);
  });

  test.each([
    ['aliases', '... on AnswerDelta { textSoFar again: textSoFar }'],
    ['inline fragments', '... on AnswerDelta { textSoFar ... { again: textSoFar } }'],
    [
      'fragments',
      '...A ...B',
      'fragment A on AnswerDelta { textSoFar } fragment B on AnswerDelta { again: textSoFar }',
    ],
  ])('a subscription that selects textSoFar twice by %s is QUERY_TOO_COMPLEX', async (_way, selection, more = '') => {
    const query = `subscription { answerStream(answerId: "${messageId}") { ${selection} } } ${more}`;
    const errors = await send(query).then(
      (body) => body.errors,
      (rejected: Body['errors']) => rejected,
    );
    expect(errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }]);
  });
});

test('fragments that select the same textSoFar are one selection', async () => {
  const query = `subscription { answerStream(answerId: "${messageId}") { ...A ...B } }
    fragment A on AnswerDelta { textSoFar } fragment B on AnswerDelta { textSoFar offset }`;
  await expect(jane.requestOverSocket(query)).resolves.toBeDefined();
});
