import { readFileSync } from 'node:fs';
import { buildSchema, isObjectType } from 'graphql';
import { Client } from '@urql/core';
import {
  AskQuestionDocument,
  ConversationDocument,
  ConversationsDocument,
  ConversationUpdatesDocument,
  DeleteConversationDocument,
  type ConversationQuery,
} from '../../client/src/generated/graphql.js';
import type { Fetch } from '../../client/src/session/post.js';
import { createParleyExchanges } from '../../client/src/urql.js';
import { EMBEDDED_TYPES } from '../../client/src/urql/embedded-types.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';
import { Tab } from './browser-tab.js';

interface List {
  ids: string[];
  hasNextPage: boolean;
  endCursor: string | null;
}

/** A page with urql, and the user on another device. */
class UrqlPage implements AsyncDisposable {
  readonly #tab: Tab;
  readonly #stops: (() => void)[] = [];
  readonly client: Client;
  device!: ApiClient;

  private constructor(server: TestServer, fetch?: Fetch) {
    this.#tab = new Tab(server.url, undefined, { fetch });
    const { exchanges, close } = createParleyExchanges(this.#tab.session);
    this.client = new Client({ url: this.#tab.session.url, exchanges, preferGetMethod: false });
    this.#stops.push(close);
  }

  static async open(server: TestServer, fetch?: Fetch): Promise<UrqlPage> {
    const page = new UrqlPage(server, fetch);
    const { session } = page.#tab;
    await session.register({ email: `${crypto.randomUUID()}@example.com`, password: PASSWORD });
    page.device = server.client(await session.token());
    return page;
  }

  async ask(question: string, conversationId: string | null = null): Promise<string> {
    const { data } = await this.client.mutation(AskQuestionDocument, { input: { question, conversationId } });
    await until(() => this.#isAnswered(data!.askQuestion.answer.id));
    return data!.askQuestion.conversation.id;
  }

  /** Shows a conversation. Returns all that was shown, the last at the end. */
  show(id: string, last = 30): ConversationQuery['conversation'][] {
    const shown: ConversationQuery['conversation'][] = [];
    const { unsubscribe } = this.client.query(ConversationDocument, { id, last }).subscribe(({ data }) => {
      if (data) shown.push(data.conversation);
    });
    this.#stops.push(unsubscribe);
    return shown;
  }

  /** Shows a list. Returns all that was shown, the last at the end. */
  showList(first = 20, search: string | null = null): List[] {
    const shown: List[] = [];
    const { unsubscribe } = this.client.query(ConversationsDocument, { first, search }).subscribe(({ data }) => {
      if (!data) return;
      const { edges, pageInfo } = data.conversations;
      shown.push({ ids: edges.map(({ node }) => node.id), ...pageInfo });
    });
    this.#stops.push(unsubscribe);
    return shown;
  }

  receiveUpdates(): void {
    this.#stops.push(this.client.subscription(ConversationUpdatesDocument, {}).subscribe(() => {}).unsubscribe);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops.toReversed()) stop();
    this.#tab[Symbol.dispose]();
    await this.device[Symbol.asyncDispose]();
  }

  async #isAnswered(id: string): Promise<boolean> {
    const { message } = await this.device.request<{ message: { status: string } }>(
      `query ($id: ID!) { message(id: $id) { status } }`,
      { id },
    );
    return message.status !== 'STREAMING';
  }
}

const listContents = (conversation: ConversationQuery['conversation'] | undefined) =>
  conversation?.messages.edges.map(({ node }) => node.content);

describe('the cache of urql', () => {
  test('knows which types have no id', () => {
    const schema = buildSchema(readFileSync('schema/schema.graphql', 'utf8'));
    const roots = ['Query', 'Mutation', 'Subscription'];
    const embedded = Object.values(schema.getTypeMap())
      .filter(isObjectType)
      .filter(({ name }) => !name.startsWith('__') && !roots.includes(name))
      .filter((type) => !type.getFields()['id'])
      .map(({ name }) => name);
    // These are stored by their nodes.
    const edges = ['ConversationEdge', 'MessageEdge'];
    expect(EMBEDDED_TYPES).toEqual(embedded.filter((name) => !edges.includes(name)).sort());
  });

  test('shows the messages while a new one is read', async () => {
    await using server = await TestServer.start();
    await using page = await UrqlPage.open(server);
    const id = await page.ask('One');
    const shown = page.show(id);
    page.receiveUpdates();
    await until(() => shown.at(-1)?.messages.edges.length === 2);
    await page.ask('Two', id);
    await until(() => listContents(shown.at(-1))?.at(-1) === 'You asked: Two');
    await page.ask('Three', id);
    await until(() => listContents(shown.at(-1))?.at(-1) === 'You asked: Three');
    const lengths = shown.map((conversation) => conversation?.messages.edges.length ?? 0);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  });

  test('reads again after READY what was missed', async () => {
    await using server = await TestServer.start();
    await using page = await UrqlPage.open(server);
    const id = await page.ask('One');
    const [shown, listed] = [page.show(id), page.showList()];
    await until(() => shown.length > 0 && listed.length > 0);
    await page.device.ask('Two', { conversationId: id });
    const { conversation } = await page.device.ask('Elsewhere');
    page.receiveUpdates();
    await until(() => listContents(shown.at(-1))?.at(-1) === 'You asked: Two');
    await until(() => listed.at(-1)?.ids.includes(conversation.id) === true);
  });

  test('a deleted conversation becomes null, by an event, by the own deletion, and when it was missed', async () => {
    await using server = await TestServer.start();
    await using page = await UrqlPage.open(server);
    const ids = [await page.ask('One'), await page.ask('Two'), await page.ask('Three')];
    const [first, second, third] = ids as [string, string, string];
    const shown = ids.map((id) => page.show(id));
    const listed = page.showList();
    await until(() => shown.every(({ length }) => length > 0) && listed.at(-1)?.ids.length === 3);
    await page.device.request(DeleteConversationDocument, { input: { id: first } });
    page.receiveUpdates();
    await until(() => shown[0]!.at(-1) === null && listed.at(-1)?.ids.length === 2);
    await page.device.request(DeleteConversationDocument, { input: { id: second } });
    await until(() => shown[1]!.at(-1) === null && listed.at(-1)?.ids.length === 1);
    await page.client.mutation(DeleteConversationDocument, { input: { id: third } }).toPromise();
    await until(() => shown[2]!.at(-1) === null && listed.at(-1)?.ids.length === 0);
  });

  test('keeps earlier pages when the newest page moves on', async () => {
    await using server = await TestServer.start();
    await using page = await UrqlPage.open(server);
    const id = await page.ask('One');
    for (const question of ['Two', 'Three']) await page.ask(question, id);
    const shown = page.show(id, 2);
    await until(() => shown.length > 0);
    expect(shown.at(-1)!.messages.pageInfo).toMatchObject({ hasPreviousPage: true });
    const before = shown.at(-1)!.messages.pageInfo.startCursor;
    await page.client.query(ConversationDocument, { id, last: 2, before }).toPromise();
    const all = ['Two', 'You asked: Two', 'Three', 'You asked: Three'];
    await until(() => listContents(shown.at(-1))?.length === 4);
    expect(listContents(shown.at(-1))).toEqual(all);
    for (const question of ['Four', 'Five']) await page.ask(question, id);
    await until(() => listContents(shown.at(-1))?.at(-1) === 'You asked: Five');
    expect(listContents(shown.at(-1))?.slice(0, 4)).toEqual(all);
    const { pageInfo, edges } = shown.at(-1)!.messages;
    expect(pageInfo).toMatchObject({
      hasPreviousPage: true,
      hasNextPage: false,
      startCursor: edges[0]!.cursor,
      endCursor: edges.at(-1)!.cursor,
    });
  });

  test('joins the pages of a list, and keeps them when the first page moves on', async () => {
    await using server = await TestServer.start();
    await using page = await UrqlPage.open(server);
    const ids: string[] = [];
    for (const question of ['One', 'Two', 'Three', 'Four', 'Five']) ids.unshift(await page.ask(question));
    // Titles and metadata are updates, too.
    await server.settled();
    const [listed, found] = [page.showList(2), page.showList(2, 'four')];
    await until(() => listed.length > 0 && found.length > 0);
    expect(listed.at(-1)).toMatchObject({ ids: ids.slice(0, 2), hasNextPage: true });
    const loadMore = async () => {
      const variables = { first: 2, after: listed.at(-1)!.endCursor, search: null };
      await page.client.query(ConversationsDocument, variables).toPromise();
    };
    await loadMore();
    await until(() => listed.at(-1)?.ids.length === 4);
    expect(listed.at(-1)).toMatchObject({ ids: ids.slice(0, 4), hasNextPage: true });
    // What was at the end of the first page is on none of the pages any more.
    page.receiveUpdates();
    const { conversation } = await page.device.ask('Six', { stream: false });
    ids.unshift(conversation.id);
    await until(() => listed.at(-1)?.ids[0] === conversation.id);
    expect(listed.at(-1)).toMatchObject({ ids: ids.slice(0, 5), hasNextPage: true });
    await loadMore();
    await until(() => listed.at(-1)?.ids.length === 6);
    expect(listed.at(-1)).toMatchObject({ ids, hasNextPage: false });
    // It is on a page that is not read again.
    await page.device.request(DeleteConversationDocument, { input: { id: ids[3]! } });
    await until(() => listed.at(-1)?.ids.length === 5);
    expect(listed.at(-1)!.ids).toEqual([ids[0], ids[1], ids[2], ids[4], ids[5]]);
    expect(found.at(-1)).toMatchObject({ ids: [ids[2]], hasNextPage: false });
  });

  test('begins a list anew when more became active than a page has', async () => {
    await using server = await TestServer.start();
    await using page = await UrqlPage.open(server);
    const ids: string[] = [];
    const ask = async (question: string) =>
      ids.unshift((await page.device.ask(question, { stream: false })).conversation.id);
    for (const question of ['One', 'Two']) await ask(question);
    await server.settled();
    const listed = page.showList(2);
    await until(() => listed.length > 0);
    for (const question of ['Three', 'Four', 'Five']) await ask(question);
    await server.settled();
    page.receiveUpdates();
    await until(() => listed.at(-1)?.ids[0] === ids[0]);
    expect(listed.at(-1)).toMatchObject({ ids: ids.slice(0, 2), hasNextPage: true });
    const variables = { first: 10, after: listed.at(-1)!.endCursor, search: null };
    await page.client.query(ConversationsDocument, variables).toPromise();
    await until(() => listed.at(-1)?.ids.length === 5);
    expect(listed.at(-1)).toMatchObject({ ids, hasNextPage: false });
  });

  test('a read that a later one has overtaken changes nothing', async () => {
    await using server = await TestServer.start();
    const held = Promise.withResolvers<void>();
    let mustHold = false;
    let isDelivered = false;
    const slowFetch: Fetch = async (url, init) => {
      const isHeld = mustHold && init.body.includes('query Conversation(');
      if (isHeld) mustHold = false;
      const response = await fetch(url, init);
      const text = await response.text();
      if (isHeld) await held.promise;
      return {
        status: response.status,
        headers: response.headers,
        text: async () => {
          isDelivered ||= isHeld;
          return text;
        },
      };
    };
    await using page = await UrqlPage.open(server, slowFetch);
    const id = await page.ask('One');
    const shown = page.show(id);
    await until(() => shown.length > 0);
    mustHold = true;
    const variables = { id, last: 30 };
    const early = page.client.query(ConversationDocument, variables, { requestPolicy: 'network-only' }).toPromise();
    await until(() => !mustHold);
    await page.device.ask('Two', { conversationId: id });
    await page.client.query(ConversationDocument, variables, { requestPolicy: 'network-only' }).toPromise();
    await until(() => listContents(shown.at(-1))?.length === 4);
    held.resolve();
    await early;
    await until(() => isDelivered);
    await page.ask('Three', id);
    await until(() => listContents(shown.at(-1))?.length === 6);
    const lengths = shown.map((conversation) => conversation?.messages.edges.length ?? 0);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  });
});
