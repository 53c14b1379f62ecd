import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { print } from 'graphql';
import { AnswerStreamDocument } from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

const ALLOWED: [string | null][] = [
  ['text/event-stream'],
  ['text/event-stream, multipart/mixed'],
  ['application/graphql-response+json, application/json, text/event-stream, multipart/mixed'],
  ['application/json, text/event-stream;q=0.1'],
  ['TEXT/EVENT-STREAM; charset=utf-8'],
  ['text/*'],
  ['*/*'],
  [null],
];
const EXCLUDED: [string][] = [
  ['application/json'],
  ['text/html, application/xml'],
  ['text/event-stream;q=0'],
  ['*/*, text/event-stream;q=0'],
  ['*/*;q=0'],
];

describe('the Accept header of event streams', () => {
  let server: TestServer;
  let jane: ApiClient;
  let answerId: string;
  const opened: IncomingMessage[] = [];
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user();
    answerId = (await jane.ask('Accept', { stream: false })).answer.id;
  });
  afterEach(() => opened.splice(0).forEach((response) => response.destroy()));
  afterAll(() => server[Symbol.asyncDispose]());

  /** fetch() would always send an Accept header. */
  async function post(path: string, accept: string | null, operation: object, headers: Record<string, string> = {}) {
    const posted = request(`${server.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${jane.accessToken}`,
        ...(accept === null ? {} : { accept }),
        ...headers,
      },
    });
    posted.end(JSON.stringify(operation));
    const [response] = (await once(posted, 'response')) as [IncomingMessage];
    opened.push(response);
    return response;
  }
  const read = async (response: IncomingMessage) => (await response.setEncoding('utf8').toArray()).join('');
  const follow = () => ({ query: print(AnswerStreamDocument), variables: { answerId } });

  describe.each(['/graphql/stream', '/graphql'])('%s', (path) => {
    test.each(ALLOWED)('serves a subscription as events if %j allows them', async (accept) => {
      const response = await post(path, accept, follow());
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
      const text = await read(response);
      expect(text).toContain('event: next\ndata: {"data":{"answerStream":{"__typename":"AnswerDelta"');
      expect(text).toContain('event: complete');
    });

    test.each(EXCLUDED)('says what it needs if %j excludes events', async (accept) => {
      const response = await post(path, accept, follow());
      // At /graphql, the other response is JSON, if the client accepts that.
      const isJson = path === '/graphql' && /json|^\*.*,/.test(accept);
      expect(response.statusCode).toBe(isJson ? 400 : 406);
      const [error] = (JSON.parse(await read(response)) as { errors: [{ message: string; extensions: object }] })
        .errors;
      expect(error.message).toMatch(/accept/i);
      expect(error.extensions).toMatchObject(
        isJson ? { code: 'GRAPHQL_VALIDATION_FAILED' } : { code: 'BAD_USER_INPUT', reason: 'NOT_ACCEPTABLE' },
      );
    });
  });

  test('/graphql serves errors of a subscription as events, and tokens when they are generated', async () => {
    const accept = 'text/event-stream, multipart/mixed';
    const unknown = await post('/graphql', accept, { ...follow(), variables: { answerId: 'unknown' } });
    expect(await read(unknown)).toContain('"code":"NOT_FOUND"');
    const invalid = await post('/graphql', accept, { ...follow(), variables: {} });
    expect(await read(invalid)).toContain('"fields":{"answerId":"This field is required."}');
    const anyone = await post('/graphql', accept, follow(), { authorization: '' });
    expect(await read(anyone)).toContain('"code":"UNAUTHENTICATED"');

    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Over /graphql');
    const call = await taken;
    const live = await post('/graphql', accept, { ...follow(), variables: { answerId: answer.id } });
    live.setEncoding('utf8');
    call.delta('One');
    let text = '';
    for await (const chunk of live) {
      text += chunk;
      if (text.includes('"text":"One"') && !text.includes('complete')) FakeProvider.done(call);
    }
    expect(text).toContain('"status":"COMPLETED"');
    expect(text).toMatch(/event: complete\n/);
  });

  test('/graphql serves queries and mutations as JSON, whatever else the client accepts', async () => {
    const accept = 'application/json, text/event-stream;q=0.9';
    const response = await post('/graphql', accept, { query: '{ me { id } } # subscription' });
    expect(response.headers['content-type']).toContain('application/json');
    expect(await read(response)).toContain('"data":{"me"');
  });

  test('/graphql rejects a subscription that another site could send', async () => {
    const response = await post('/graphql', '*/*', follow(), { 'content-type': 'text/plain' });
    expect(response.statusCode).toBe(415);
    expect(await read(response)).toContain('"reason":"CSRF"');
  });

  test('PUT accepts every header that allows text/plain', async () => {
    const put = async (accept: string) =>
      await fetch(`${server.url}/graphql/stream`, {
        method: 'PUT',
        headers: { accept, authorization: `Bearer ${jane.accessToken}` },
      });
    expect((await put('text/plain, */*;q=0.1')).status).toBe(201);
    const refused = await put('application/json');
    expect(refused.status).toBe(406);
    expect(await refused.text()).toContain('text/plain');
  });
});
