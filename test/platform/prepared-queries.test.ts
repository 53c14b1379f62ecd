import { User } from '../../src/auth/user.entity.js';
import { toUser, userById } from '../../src/auth/user.row.js';
import { SaleStatus } from '../../src/conversations/conversation-metadata.js';
import { Conversation } from '../../src/conversations/conversation.entity.js';
import {
  conversationById,
  conversationList,
  conversationsById,
  toConversation,
} from '../../src/conversations/conversation.row.js';
import { Message } from '../../src/messages/message.entity.js';
import {
  lastMessages,
  messageById,
  messageList,
  messagesById,
  ownedMessageById,
  toMessage,
} from '../../src/messages/message.row.js';
import { RegenerateAnswerDocument } from '../../client/src/generated/graphql.js';
import { findPage, type Page, type PageQuery, type PageRequest, type Reader } from '../../src/platform/db/find-page.js';
import type { EntityManager } from '../../src/platform/db/orm.js';
import { PreparedQuery } from '../../src/platform/db/prepared-query.js';
import { captureQueries } from '../kit/queries.js';
import { TestServer } from '../kit/server.js';

const UNKNOWN = '00000000-0000-7000-8000-000000000000';

/** Returns what the row should be: the same properties of the entity, with references as their ids. */
const toExpected = (row: object, entity: object): unknown =>
  Object.fromEntries(
    Object.keys(row).map((key) => {
      const value = (entity as Record<string, unknown>)[key];
      const isReference = typeof value === 'object' && value !== null && 'unwrap' in value;
      return [key, isReference ? { id: (value as { id?: unknown }).id } : value];
    }),
  );

describe('prepared queries', () => {
  let server: TestServer;
  let jane: Awaited<ReturnType<TestServer['user']>>;
  let conversationId: string;
  let em: EntityManager;
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user({ email: 'jane@example.com', name: 'Jane', phone: '+14155550123' });
    const { conversation, answer } = await jane.ask('A tent 🏕', { stream: false, requestId: 'first' });
    await jane.request(RegenerateAnswerDocument, { input: { answerId: answer.id, stream: false } });
    conversationId = conversation.id;
    for (const question of ['Two', 'Three', 'Four']) await jane.ask(question, { stream: false, conversationId });
    for (const question of ['Other', 'Another']) await jane.ask(question, { stream: false });
    await server.settled();
    const metadata = {
      interests: ['tents', '"quoted" ?'],
      offeredProducts: [],
      rejectedProducts: [],
      saleStatus: SaleStatus.EXPLORING,
      lastIntent: null,
      summary: null,
    };
    await server.em.nativeUpdate(Conversation, { id: conversationId }, { metadata, saleStatus: SaleStatus.EXPLORING });
  });
  beforeEach(() => void (em = server.em));
  afterAll(() => server[Symbol.asyncDispose]());

  test('a user has the properties and types of the entity', async () => {
    const row = toUser((await userById.get(em, jane.id))!);
    expect(row).toStrictEqual(toExpected(row, await em.findOneOrFail(User, { id: jane.id })));
    expect(await userById.get(em, UNKNOWN)).toBeNull();
  });

  test('a conversation has the properties and types of the entity, also its metadata', async () => {
    for (const entity of await em.findAll(Conversation)) {
      const row = toConversation((await conversationById.get(em, entity.id, jane.id))!);
      expect({ ...row }).toStrictEqual(toExpected(row, entity));
    }
    expect(await conversationById.get(em, conversationId, UNKNOWN)).toBeNull();
    expect((await conversationsById.all(em, [conversationId, UNKNOWN])).map(({ id }) => id)).toEqual([conversationId]);
    expect(await conversationsById.all(em, [])).toEqual([]);
  });

  test('a message has the properties and types of the entity', async () => {
    const messages = await em.findAll(Message);
    expect(messages.some(({ position }) => position === null)).toBe(true);
    for (const entity of messages) {
      const row = toMessage((await ownedMessageById.get(em, entity.id, jane.id))!);
      expect(row).toStrictEqual(toExpected(row, entity));
      expect(toMessage((await messageById.get(em, entity.id))!)).toStrictEqual(row);
      expect((await messagesById.all(em, [entity.id])).map(toMessage)).toStrictEqual([row]);
      expect(await ownedMessageById.get(em, entity.id, UNKNOWN)).toBeNull();
    }
  });

  test('the last message of a conversation is the one with the highest position', async () => {
    const conversations = await em.findAll(Conversation);
    const found = await lastMessages.all(em, [UNKNOWN, ...conversations.map(({ id }) => id)]);
    const expected = await Promise.all(
      conversations.map(({ id }) =>
        server.em.findOneOrFail(
          Message,
          { conversation: id, position: { $ne: null } },
          { orderBy: { position: 'desc' } },
        ),
      ),
    );
    expect(found.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
  });

  describe('pages equal those of the ORM, with their cursors', () => {
    const readBoth = async <T extends { id: string }>(
      list: typeof conversationList | typeof messageList,
      of: string,
      query: PageQuery<T>,
      request: PageRequest,
    ) => {
      const spent: number[] = [];
      const reader: Reader = { db: em, em, spend: (rows) => void spent.push(rows) };
      const toFacts = (page: Page<{ id: string }>) => ({
        nodes: page.nodes.map(({ id }) => id),
        edges: page.edges.map(({ cursor, node }) => [cursor, node.id]),
        pageInfo: page.pageInfo,
      });
      const expected = toFacts(await findPage(reader, request, query));
      const page = toFacts(await list.read(reader, of, request, async () => 0));
      expect(page).toEqual(expected);
      expect(spent[0]).toBe(spent[1]);
      return page;
    };

    test('of conversations', async () => {
      const query: PageQuery<Conversation> = {
        entity: Conversation,
        orderBy: { updatedAt: 'desc', id: 'desc' },
        cursor: ['date', 'id'],
        where: () => ({ owner: jane.id }),
        defaultPage: { first: 20 },
      };
      // Equal times, so that the ids decide.
      await server.em.nativeUpdate(Conversation, {}, { updatedAt: new Date('2026-01-01T00:00:00.123Z') });
      const read = (request: PageRequest) => readBoth(conversationList, jane.id, query, request);
      const all = await read({});
      expect(all.nodes).toHaveLength(3);
      for (const [cursor] of all.edges) {
        await read({ first: 1, after: cursor });
        await read({ last: 1, before: cursor });
      }
    });

    test('of messages', async () => {
      const query: PageQuery<Message> = {
        entity: Message,
        orderBy: { position: 'asc' },
        cursor: ['integer'],
        where: () => ({ conversation: conversationId, position: { $ne: null } }),
        defaultPage: { last: 50 },
      };
      const read = (request: PageRequest) => readBoth(messageList, conversationId, query, request);
      expect((await read({})).nodes).toHaveLength(8);
      await read({ first: 3 });
      await read({ last: 3 });
      for (const [cursor] of (await read({})).edges) {
        await read({ first: 2, after: cursor });
        await read({ last: 2, before: cursor });
      }
      const far = Buffer.from(`[${Number.MAX_SAFE_INTEGER}]`).toString('base64url');
      expect((await read({ first: 2, after: far })).nodes).toEqual([]);
      expect(
        (await readBoth(messageList, UNKNOWN, { ...query, where: () => ({ conversation: UNKNOWN }) }, {})).nodes,
      ).toEqual([]);
    });
  });

  test('a query joins the transaction of its EntityManager, and no other one sees it', async () => {
    const rename = new PreparedQuery<[name: string | null, id: string], { id: string }>(
      'update users set name = ? where id = ? returning id',
    );
    const failure = new Error('rolled back');
    await expect(
      em.fork().transactional(async (tx) => {
        expect(await rename.all(tx, 'Janet', jane.id)).toEqual([{ id: jane.id }]);
        expect((await userById.get(tx, jane.id))!.name).toBe('Janet');
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect((await userById.get(em, jane.id))!.name).toBe('Jane');
    // On SQLite, which has one connection, this waits for the end of the transaction.
    let outside: Promise<{ name: string | null } | null>;
    await em.fork().transactional(async (tx) => {
      await rename.all(tx, 'Janet', jane.id);
      outside = userById.get(em, jane.id);
      await tx.execute('select 1');
      await rename.all(tx, 'Jane', jane.id);
    });
    expect((await outside!)!.name).toBe('Jane');
  });

  test('values are bound, and errors are those of the ORM', async () => {
    const text = `'; drop table users; -- ? \\? "` + '\u{1F3D5}';
    const echo = new PreparedQuery<[text: string, at: Date, n: number], { text: string; id: string }>(
      `select cast(? as text) as text, id from users where created_at < ? and 7 = ?`,
    );
    const rows = await echo.all(em, text, new Date(Date.now() + 60_000), 7);
    expect(rows).toEqual([{ text, id: jane.id }]);
    const twice = new PreparedQuery<[string, Date, Date], object>(
      `insert into users (id, role, created_at, updated_at) values (?, 'USER', ?, ?)`,
    );
    await expect(twice.all(em, jane.id, new Date(), new Date())).rejects.toMatchObject({
      name: 'UniqueConstraintViolationException',
    });
  });

  test('queries are logged as those of the ORM are', async () => {
    const queries = await captureQueries(server, () => userById.get(em, jane.id));
    expect(queries).toEqual([{ sql: expect.stringMatching(/from users where id = \?$/), params: [jane.id] }]);
  });
});
