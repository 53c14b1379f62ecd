import { DeleteAccountDocument } from '../../client/src/generated/graphql.js';
import { Conversation } from '../../src/conversations/conversation.entity.js';
import { Message } from '../../src/messages/message.entity.js';
import { MessageRole, MessageStatus } from '../../src/messages/message.enums.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('heavy fields', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const repeat = (n: number, field: string) => Array.from({ length: n }, (_, i) => `f${i}: ${field}`).join(' ');

  test.each([
    ['searches', `{ ${repeat(11, 'conversations(search: "ab") { nodes { id } }')} }`],
    ['searches by variable', `query ($s: String) { ${repeat(11, 'conversations(search: $s) { nodes { id } }')} }`],
    [
      'reports',
      `{ ${repeat(8, 'salesReport { conversations winRate byStatus { count } daily { day } topInterests { term } topOfferedProducts { term } }')} }`,
    ],
    ['counts of nested lists', `{ ${repeat(3, 'conversations(first: 100) { nodes { messages { totalCount } } }')} }`],
    [
      'searches in a fragment',
      `{ ...A ...B } fragment A on Query { ${repeat(6, 'conversations(search: "ab") { totalCount }')} }
       fragment B on Query { ${Array.from({ length: 6 }, (_, i) => `g${i}: conversations(search: "cd") { totalCount }`).join(' ')} }`,
    ],
  ])('too many %s are QUERY_TOO_COMPLEX on every transport', async (_name, query) => {
    expect(await jane.getErrorCode(query)).toBe('QUERY_TOO_COMPLEX');
    const overSocket = await jane.requestOverSocket(query).catch((errors: { extensions: object }[]) => errors[0]);
    expect(overSocket).toMatchObject({ extensions: { code: 'QUERY_TOO_COMPLEX' } });
  });

  test.each([
    '{ conversations(first: 100) { totalCount nodes { messages(last: 1) { totalCount } } } }',
    `{ ${repeat(5, 'conversations(search: "ab") { totalCount nodes { id } }')} }`,
    '{ salesReport { conversations winRate byStatus { count } daily { day } topInterests { term } } }',
  ])('the usual ones are accepted: %s', async (query) => {
    await jane.request(query);
  });

  test('a search ignores single letters, but not single CJK characters', async () => {
    const { conversation } = await jane.ask('Ein Zelt für 二 Personen', { stream: false });
    const search = async (text: string) =>
      (
        await jane.request<{ conversations: { nodes: { id: string }[] } }>(
          'query ($text: String) { conversations(search: $text) { nodes { id } } }',
          { text },
        )
      ).conversations.nodes.map(({ id }) => id);
    expect(await search('z')).toEqual([]);
    expect(await search('x ze')).toEqual([conversation.id]);
    expect(await search('二')).toEqual([conversation.id]);
  });

  test('an account with many messages is deleted while other requests continue', async () => {
    const john = await server.user();
    const { conversation } = await john.ask('Many', { stream: false });
    const { em } = server;
    for (let i = 0; i < 3_000; i += 1) {
      const message = new Message();
      message.conversation = em.getReference(Conversation, conversation.id, { wrapped: true });
      message.position = i + 2;
      message.role = MessageRole.USER;
      message.status = MessageStatus.COMPLETED;
      message.content = `Some words of message ${i}`;
      em.persist(message);
    }
    await em.flush();
    let isDone = false;
    const deleted = john.request(DeleteAccountDocument, { input: { password: PASSWORD } }).then(() => (isDone = true));
    let served = 0;
    while (!isDone) {
      await jane.request('{ me { id } }');
      served += 1;
    }
    await deleted;
    expect(served).toBeGreaterThan(5);
    expect(await server.count(`messages where conversation_id = '${conversation.id}'`)).toBe(0);
    expect(await server.count(`users where id = '${john.id}'`)).toBe(0);
  });
});
