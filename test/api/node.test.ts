import { captureQueries } from '../kit/queries.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

const NODE = `query ($id: ID!) { node(id: $id) { __typename id
  ... on User { email } ... on Conversation { title } ... on Message { content } } }`;

describe('node', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  const find = async (client: ApiClient, id: string) => (await client.request<{ node: unknown }>(NODE, { id })).node;

  test('returns the account, conversations and messages of the caller only', async () => {
    const [jane, mallory] = [await server.user(), await server.user()];
    const { conversation, question } = await jane.ask('Mine', { stream: false });
    await server.settled();
    expect(await find(jane, jane.id)).toEqual({ __typename: 'User', id: jane.id, email: jane.email });
    expect(await find(jane, conversation.id)).toMatchObject({ __typename: 'Conversation', id: conversation.id });
    expect(await find(jane, question.id)).toEqual({ __typename: 'Message', id: question.id, content: 'Mine' });
    for (const id of [jane.id, conversation.id, question.id]) {
      expect(await find(mallory, id)).toBeNull();
      expect(await server.anyone.getErrorCode(NODE, { id })).toBe('UNAUTHENTICATED');
    }
  });

  test.each(['', 'x', '00000000-0000-7000-8000-000000000000', "' or 1 = 1", '\0', '\ud800'])(
    'is null for an id that is unknown (%j)',
    async (id) => {
      const jane = await server.user();
      expect(await find(jane, id)).toBeNull();
      expect(await find(jane, jane.id.toUpperCase())).toBeNull();
    },
  );

  test('takes at most three queries, with the one that authenticates', async () => {
    const jane = await server.user();
    const { answer } = await jane.ask('Counted', { stream: false });
    await server.settled();
    const queries = await captureQueries(server, () => find(jane, answer.id));
    expect(queries.length).toBeLessThanOrEqual(3);
  });
});
