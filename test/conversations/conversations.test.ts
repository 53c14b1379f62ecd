import {
  ConversationsDocument,
  DeleteConversationDocument,
  RenameConversationDocument,
  type ConversationsQueryVariables,
} from '../../client/src/generated/graphql.js';
import { Conversation } from '../../src/conversations/conversation.entity.js';
import { sql } from '../../src/platform/db/sql.js';
import { captureQueries } from '../kit/queries.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('conversations', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start({ MAX_OUTPUT_TOKENS: '1000000' })));
  afterAll(() => server[Symbol.asyncDispose]());

  const list = async (client: ApiClient, variables: Partial<ConversationsQueryVariables> = {}) => {
    const { edges, pageInfo } = (await client.request(ConversationsDocument, variables)).conversations;
    return { nodes: edges.map(({ node }) => node), pageInfo };
  };
  const countAll = async (client: ApiClient, search = '') => {
    const query = 'query ($search: String) { conversations(search: $search) { totalCount } }';
    return (await client.request<{ conversations: { totalCount: number } }>(query, { search })).conversations
      .totalCount;
  };
  const ask = async (client: ApiClient, question: string, conversationId?: string) =>
    (await client.ask(question, { conversationId, stream: false })).conversation.id;
  /** Waits for background work: titles are generated alongside the answers. */
  const settled = () => server.settled();

  test('pages list conversations by activity and stay stable while others are added', async () => {
    const jane = await server.user();
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      ids.push(await ask(jane, `Question ${i}`));
      // A generated title changes updatedAt too.
      await settled();
    }
    await ask(jane, 'Once more', ids[1]);
    const order = [ids[1], ids[4], ids[3], ids[2], ids[0]];

    const first = await list(jane, { first: 2 });
    expect(first.nodes.map(({ id }) => id)).toEqual(order.slice(0, 2));
    expect(first.pageInfo.hasNextPage).toBe(true);
    expect(await countAll(jane)).toBe(5);
    await ask(jane, 'A new one');
    await settled();
    const second = await list(jane, { first: 2, after: first.pageInfo.endCursor });
    expect(second.nodes.map(({ id }) => id)).toEqual(order.slice(2, 4));
    const third = await list(jane, { first: 2, after: second.pageInfo.endCursor });
    expect(third.nodes.map(({ id }) => id)).toEqual(order.slice(4));
    expect(third.pageInfo.hasNextPage).toBe(false);
    expect((await list(await server.user())).nodes).toEqual([]);
  });

  test('conversations with equal updatedAt are neither lost nor repeated between pages', async () => {
    const jane = await server.user();
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.push(await ask(jane, `Same ${i}`));
    await settled();
    await server.server.services.orm.em
      .fork()
      .nativeUpdate(Conversation, { id: { $in: ids } }, { updatedAt: new Date(1_700_000_000_123) });
    const seen: string[] = [];
    for (let after: string | null | undefined = null; ;) {
      const page = await list(jane, { first: 2, after });
      seen.push(...page.nodes.map(({ id }) => id));
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
    }
    expect(seen.toSorted()).toEqual(ids.toSorted());
  });

  test.each([
    [{ first: 0 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ first: -1 }, 'first'],
    [{ after: 'nonsense' }, 'after'],
    [{ after: Buffer.from('["2026-01-01T00:00:00.000Z",{"$ne":1}]').toString('base64url') }, 'after'],
  ])('%j is BAD_USER_INPUT', async (variables, field) => {
    const jane = await server.user();
    const [error] = await jane.getErrors(ConversationsDocument, variables);
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
  });

  test('messages can be paged forwards and backwards', async () => {
    const jane = await server.user();
    const id = await ask(jane, '0');
    for (const question of ['2', '4', '6']) await ask(jane, question, id);
    type Page = {
      nodes: { content: string }[];
      pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
    };
    const page = async (args: object): Promise<Page> => {
      const query = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { conversation(id: $id) {
        messages(first: $first, after: $after, last: $last, before: $before) {
          nodes { content } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
      return (await jane.request<{ conversation: { messages: Page } }>(query, { id, ...args })).conversation.messages;
    };
    const contents = ({ nodes }: Page) => nodes.map(({ content }) => content.replace('You asked: ', '>'));
    expect(contents(await page({}))).toEqual(['0', '>0', '2', '>2', '4', '>4', '6', '>6']);
    const head = await page({ first: 3 });
    expect(contents(head)).toEqual(['0', '>0', '2']);
    expect(head.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    expect(contents(await page({ first: 3, after: head.pageInfo.endCursor }))).toEqual(['>2', '4', '>4']);
    const tail = await page({ last: 3 });
    expect(contents(tail)).toEqual(['>4', '6', '>6']);
    expect(tail.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    expect(contents(await page({ last: 3, before: tail.pageInfo.startCursor }))).toEqual(['2', '>2', '4']);
  });

  test('listing 50 conversations takes as many queries as listing 3', async () => {
    const jane = await server.user();
    const few: string[] = [];
    const query = `query ($n: Int!) { conversations(first: $n) { nodes {
      id title metadata { saleStatus } lastMessage { content inReplyTo { content conversation { id } } } } } }`;
    const count = async (n: number) => (await captureQueries(server, () => jane.request(query, { n }))).length;
    for (let i = 0; i < 3; i += 1) few.push(await ask(jane, `Few ${i}`));
    await settled();
    const ofThree = await count(50);
    await Promise.all(Array.from({ length: 47 }, (_, i) => ask(jane, `Many ${i}`)));
    await settled();
    const ofFifty = await count(50);
    expect(ofFifty).toBe(ofThree);
    expect(ofFifty).toBeLessThanOrEqual(7);
  });

  test('totalCount is counted only if it is selected', async () => {
    const jane = await server.user();
    await ask(jane, 'Counted?');
    await settled();
    const without = await captureQueries(server, () => jane.request('{ conversations { nodes { id } } }'));
    const queries = await captureQueries(server, () => jane.request('{ conversations { nodes { id } totalCount } }'));
    expect(without.filter(({ sql }) => /count\(/i.test(sql))).toEqual([]);
    expect(queries.length).toBe(without.length + 1);
  });

  test('rename sets a valid title of one’s own conversation', async () => {
    const [jane, mallory] = [await server.user(), await server.user()];
    const id = await ask(jane, 'What is my name?');
    const rename = async (client: ApiClient, title: string) =>
      (await client.request(RenameConversationDocument, { input: { id, title } })).renameConversation;
    expect((await rename(jane, 'My tents')).title).toBe('My tents');
    expect((await jane.conversation(id)).title).toBe('My tents');
    expect(await mallory.getErrorCode(RenameConversationDocument, { input: { id, title: 'Mine' } })).toBe('NOT_FOUND');
    for (const title of ['', '  ', 'x'.repeat(121), 'a\nb', 'a\0', '\ud83c']) {
      const [error] = await jane.getErrors(RenameConversationDocument, { input: { id, title } });
      expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { title: expect.any(String) } });
    }
    expect((await rename(jane, '🌱'.repeat(120))).title).toBe('🌱'.repeat(120));
  });

  test('delete removes the messages and stops an answer in progress', async () => {
    const [jane, mallory] = [await server.user(), await server.user()];
    const kept = await ask(jane, 'Keep me');
    const taken = server.provider.takeCall();
    const { conversation, question, answer } = await jane.ask('Delete me');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('Well');
    await follower.until('Well');
    const aborted = new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));

    const input = { id: conversation.id };
    expect(await mallory.getErrorCode(DeleteConversationDocument, { input })).toBe('NOT_FOUND');
    expect(await jane.request(DeleteConversationDocument, { input })).toEqual({ deleteConversation: conversation.id });
    await aborted;
    await expect(follower.rest()).rejects.toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    expect(await jane.getErrorCode(DeleteConversationDocument, { input })).toBe('NOT_FOUND');
    for (const id of [question.id, answer.id])
      expect(await jane.request('query ($id: ID!) { message(id: $id) { id } }', { id })).toEqual({ message: null });
    expect((await list(jane)).nodes.map(({ id }) => id)).toEqual([kept]);
  });

  describe('search', () => {
    test('a text with long runs of combining marks does not block the search', async () => {
      const john = await server.user();
      // Normalizing a run of combining marks takes quadratic time.
      server.provider.answer = () => ['a', '\u0301\u0323'.repeat(300_000), ' tarpaulin'];
      const { conversation, answer } = await john.ask('Marks?', { stream: false });
      server.provider.answer = (question) => ['You asked: ', question];
      expect(answer.status).toBe('COMPLETED');
      const { conversations } = await john.request<{ conversations: { nodes: { id: string }[] } }>(
        '{ conversations(search: "tarpaulin") { nodes { id } } }',
      );
      expect(conversations.nodes).toEqual([{ id: conversation.id }]);
      const marks = 'a' + '\u0301\u0323'.repeat(100_000);
      await john.request('query ($marks: String) { conversations(search: $marks) { nodes { id } } }', { marks });
    });

    let jane: ApiClient;
    let tent: string;
    let stove: string;
    const found = async (search: string) => (await list(jane, { search })).nodes.map(({ id }) => id).toSorted();
    beforeAll(async () => {
      jane = await server.user();
      tent = await ask(jane, 'I need a tent for two, for Österreich');
      stove = await ask(jane, "Don't you sell stoves? My budget: 50€");
      const other = await server.user();
      await ask(other, 'A tent for another user');
      await settled();
      await jane.request(RenameConversationDocument, { input: { id: stove, title: 'Cooking outside' } });
    });

    test.each([
      ['finds a word of a question', 'tent', () => [tent]],
      ['ignores case', 'TENT', () => [tent]],
      ['finds the beginning of a word', 'te', () => [tent]],
      ['does not find the end of a word', 'ent', () => []],
      ['finds a word of an answer', 'asked', () => [tent, stove]],
      ['ignores accents', 'osterr', () => [tent]],
      ['finds several words in any order', 'two österreich', () => [tent]],
      ['combines words of the title and of a message', 'cooking budget', () => [stove]],
      ['requires every word', 'tent budget', () => []],
      ['does not find a former title', 'generated', () => [tent]],
      ['returns all conversations for an empty text', '', () => [tent, stove]],
      ['returns all conversations for white space', '  ', () => [tent, stove]],
      ['returns nothing for punctuation', '"*()', () => []],
      ['does not interpret operators of the index', 'tent OR stoves', () => []],
      ['does not interpret columns of the index', 'owner:', () => []],
      ['ignores quotes', '"tent', () => [tent]],
      ['does not interpret SQL', "tent') or 1=1 --", () => []],
      ['ignores a NUL character', 'tent\0', () => [tent]],
      ['ignores an unpaired surrogate', 'tent \ud83c', () => [tent]],
      ['finds a word with an apostrophe', "don't", () => [stove]],
      ['truncates a long text', 'tent '.repeat(5_000), () => [tent]],
    ])('%s', async (_description, search, expected) => expect(await found(search)).toEqual(expected().toSorted()));

    describe('in scripts without spaces, and emoji', () => {
      const TEXTS = {
        chinese: '我想买一顶两人帐篷，预算500元',
        japanese: 'ふたり用のテントを買いたいです。ｽﾄｰﾌﾞも',
        thai: 'ฉันอยากซื้อเต็นท์สำหรับสองคน',
        korean: '2인용 텐트를 사고 싶어요'.normalize('NFD'),
        emoji: 'Camping 🏕️ with the family 👨‍👩‍👧 in 🇩🇪, thanks 👍🏽',
        mixed: '我的iPhone手机壳',
      };
      const ids: Record<string, string> = {};
      let mei: ApiClient;
      const findAll = async (search: string) => (await list(mei, { search })).nodes.map(({ id }) => id).toSorted();
      beforeAll(async () => {
        mei = await server.user();
        for (const [name, text] of Object.entries(TEXTS)) ids[name] = await ask(mei, text);
        await settled();
      });

      test.each([
        ['帐篷', 'chinese'],
        ['两人帐篷', 'chinese'],
        ['我', 'chinese', 'mixed'],
        ['帐篷 预算', 'chinese'],
        ['炉子'],
        ['篷帐'],
        ['买帐篷'],
        ['テント', 'japanese'],
        ['ﾃﾝﾄ', 'japanese'],
        ['ストーブ', 'japanese'],
        ['ント', 'japanese'],
        ['トンテ'],
        ['เต็นท์', 'thai'],
        ['สองคน', 'thai'],
        ['สามคน'],
        ['텐트', 'korean'],
        ['텐트'.normalize('NFD'), 'korean'],
        ['인용', 'korean'],
        ['트텐'],
        ['🏕', 'emoji'],
        ['👨‍👩‍👧', 'emoji'],
        ['👩', 'emoji'],
        ['👨‍👧'],
        ['🇩🇪', 'emoji'],
        ['🇩🇰'],
        ['👍', 'emoji'],
        ['🎉'],
        ['手机', 'mixed'],
        ['iphone', 'mixed'],
        ['iphone手', 'mixed'],
        ['phone'],
      ])('%s', async (search, ...expected) =>
        expect(await findAll(search)).toEqual(expected.map((name) => ids[name]).toSorted()),
      );

      test('the words of a term are found at any place of a long text', async () => {
        const places = [0, 1_950, 1_999, 2_000, 2_063, 2_064, 9_999];
        const text = Array.from({ length: 10_000 }, (_, i) => String.fromCodePoint(0x4e00 + (i % 10_000))).join('');
        server.provider.answer = () => [text];
        const { conversation } = await mei.ask('Long?', { stream: false });
        server.provider.answer = (question) => ['You asked: ', question];
        for (const place of places) expect(await findAll(text.slice(place, place + 20))).toEqual([conversation.id]);
      });
    });

    test('totalCount counts the matches', async () => expect(await countAll(jane, 'tent')).toBe(1));

    test('a deleted conversation is removed from the index', async () => {
      const id = await ask(jane, 'Ephemeral');
      expect(await found('ephem')).toEqual([id]);
      await jane.request(DeleteConversationDocument, { input: { id } });
      expect(await found('ephem')).toEqual([]);
      const left = sql(server.em, {
        sqlite: `search where search match 'ephemeral'`,
        postgresql: `search_entries where words::text like '%ephemeral%'`,
      });
      expect(await server.count(left)).toBe(0);
      expect(await server.count('search_entries where conversation_id not in (select id from conversations)')).toBe(0);
    });
  });
});
