import { ApolloClient, InMemoryCache } from '@apollo/client';
import { Client } from '@urql/core';
import { createParleyLink, typePolicies } from '../../client/src/apollo.js';
import { AnswerStreamDocument, AskQuestionDocument, ConversationDocument } from '../../client/src/generated/graphql.js';
import { createParleyExchanges } from '../../client/src/urql.js';
import type { Fetch } from '../../client/src/session/post.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { HeldTool } from '../kit/held-tool.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { Tab } from './browser-tab.js';

/** How long each response of HTTP is held back, in turn. */
const DELAYS_MS = [0, 300, 80, 150];
const READ_INTERVAL_MS = 200;
const DELTA_INTERVAL_MS = 20;
const WORDS = Array.from({ length: 100 }, (_, i) => `word${i} `);
const TEXT = WORDS.join('');

const IMPORT = 'mutation ($input: [ProductInput!]!) { importProducts(input: $input) { added } }';

/** What a user of the library sees of the answer. */
interface Seen {
  status: string;
  content: string;
  toolCalls: readonly { name: string; state: string; offset: number }[];
  products: readonly { offset: number; product: { title: string } }[];
}

interface Front {
  ask(): Promise<void>;
  /** Reads the conversation from the server. */
  read(): Promise<unknown>;
  close(): void;
}

const fronts: [string, (tab: Tab, see: (seen: Seen) => void) => Front][] = [
  [
    'the store',
    ({ chat }, see) => {
      const conversation = chat.conversation(null);
      const unsubscribe = conversation.subscribe(() => {
        const answer = conversation.getSnapshot().messages.find(({ role }) => role === 'ASSISTANT');
        if (answer) see(answer);
      });
      return { ask: () => conversation.ask('Go'), read: () => conversation.refresh(), close: unsubscribe };
    },
  ],
  [
    'Apollo Client',
    ({ session }, see) => {
      const link = createParleyLink(session);
      const client = new ApolloClient({ link, cache: new InMemoryCache({ typePolicies }) });
      const query = ConversationDocument;
      let id = '';
      const stops: (() => void)[] = [];
      return {
        async ask() {
          const { data } = await client.mutate({
            mutation: AskQuestionDocument,
            variables: { input: { question: 'Go' } },
          });
          const { conversation, answer } = data!.askQuestion;
          id = conversation.id;
          await client.query({ query, variables: { id, last: 10 } });
          const watching = client
            .watchQuery({ query, variables: { id, last: 10 } })
            .subscribe(({ data, dataState }) => {
              if (dataState !== 'complete') return;
              const edge = data.conversation!.messages.edges.find(({ node }) => node.id === answer.id);
              if (edge) see(edge.node);
            });
          const following = client
            .subscribe({ query: AnswerStreamDocument, variables: { answerId: answer.id, offset: 0 } })
            .subscribe({});
          stops.push(
            () => watching.unsubscribe(),
            () => following.unsubscribe(),
          );
        },
        read: () => client.query({ query, variables: { id, last: 10 }, fetchPolicy: 'network-only' }),
        close() {
          for (const stop of stops) stop();
          client.stop();
          link.close();
        },
      };
    },
  ],
  [
    'urql',
    ({ session }, see) => {
      const { exchanges, close } = createParleyExchanges(session);
      const client = new Client({ url: session.url, exchanges, preferGetMethod: false });
      let id = '';
      const stops: (() => void)[] = [];
      return {
        async ask() {
          const { data } = await client.mutation(AskQuestionDocument, { input: { question: 'Go' } }).toPromise();
          const { conversation, answer } = data!.askQuestion;
          id = conversation.id;
          const watching = client.query(ConversationDocument, { id, last: 10 }).subscribe(({ data }) => {
            const edge = data?.conversation?.messages.edges.find(({ node }) => node.id === answer.id);
            if (edge) see(edge.node);
          });
          const following = client
            .subscription(AnswerStreamDocument, { answerId: answer.id, offset: 0 })
            .subscribe(() => {});
          stops.push(
            () => watching.unsubscribe(),
            () => following.unsubscribe(),
          );
        },
        read: () => client.query(ConversationDocument, { id, last: 10 }, { requestPolicy: 'network-only' }).toPromise(),
        close() {
          for (const stop of stops) stop();
          close();
        },
      };
    },
  ],
];

test.each(fronts)('%s shows no hole and no wrong end while reads overtake deltas', async (_name, open) => {
  await using server = await TestServer.start();
  let requests = 0;
  const slowFetch: Fetch = async (url, init) => {
    const delay = DELAYS_MS[(requests += 1) % DELAYS_MS.length]!;
    const response = await fetch(url, init);
    const text = await response.text();
    await new Promise((resolve) => setTimeout(resolve, delay));
    return { status: response.status, headers: response.headers, text: async () => text };
  };
  using tab = new Tab(server.url, undefined, { fetch: slowFetch });
  await tab.session.register({ email: `${crypto.randomUUID()}@example.com`, password: PASSWORD });
  const seen: Pick<Seen, 'status' | 'content'>[] = [];
  const ended = Promise.withResolvers<void>();
  const front = open(tab, ({ status, content }) => {
    seen.push({ status, content });
    if (status !== 'STREAMING') ended.resolve();
  });
  const reads: Promise<unknown>[] = [];
  const taken = server.provider.takeCall();
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    const asked = front.ask();
    const call = await taken;
    call.delta(WORDS[0]!);
    await asked;
    timer = setInterval(() => reads.push(front.read()), READ_INTERVAL_MS);
    for (const word of WORDS.slice(1)) {
      call.delta(word);
      await new Promise((resolve) => setTimeout(resolve, DELTA_INTERVAL_MS));
    }
    reads.push(front.read());
    FakeProvider.done(call);
    await ended.promise;
    // Reads that were sent before the end arrive after it.
    clearInterval(timer);
    await Promise.all(reads);
    await front.read();
  } finally {
    clearInterval(timer);
    front.close();
  }
  expect(seen.at(-1)).toEqual({ status: 'COMPLETED', content: TEXT });
  const holes = seen.filter(({ content }) => !TEXT.startsWith(content));
  expect(holes).toEqual([]);
  const shorter = seen.filter(({ content }, i) => i > 0 && content.length < seen[i - 1]!.content.length);
  expect(shorter).toEqual([]);
  const end = seen.findIndex(({ status }) => status !== 'STREAMING');
  expect(seen.slice(end).every(({ status, content }) => status === 'COMPLETED' && content === TEXT)).toBe(true);
  // It grew while it was shown: not only its end was.
  expect(new Set(seen.map(({ content }) => content)).size).toBeGreaterThan(5);
});

test.each(fronts)('%s shows a look-up while it runs, and when it has ended', async (_name, open) => {
  await using tool = await HeldTool.start();
  await using server = await TestServer.start(tool.settings);
  using tab = new Tab(server.url);
  await tab.session.register({ email: `${crypto.randomUUID()}@example.com`, password: PASSWORD });
  let last: Seen | null = null;
  const isSeen = (part: object) => until(() => isMatch(last, part));
  const front = open(tab, (seen) => (last = seen));
  try {
    const first = server.provider.takeCall();
    const asked = front.ask();
    const call = await first;
    await asked;
    call.delta('Let me look.');
    const second = server.provider.takeCall();
    call.toolCall('stock', { sku: 'T-1' });
    call.finish('tool_calls', null);
    const stock = { name: 'stock', offset: 12 };
    await isSeen({ status: 'STREAMING', content: 'Let me look.', toolCalls: [{ ...stock, state: 'RUNNING' }] });
    tool.release();
    await isSeen({ status: 'STREAMING', toolCalls: [{ ...stock, state: 'DONE' }] });
    const next = await second;
    next.delta(' There are 3.');
    FakeProvider.done(next);
    const end = { status: 'COMPLETED', content: 'Let me look. There are 3.', toolCalls: [{ ...stock, state: 'DONE' }] };
    await isSeen(end);
    await front.read();
    expect(last).toMatchObject(end);
  } finally {
    front.close();
  }
});

test.each(fronts)('%s shows products while the answer is generated, each once', async (_name, open) => {
  await using server = await TestServer.start();
  using tab = new Tab(server.url);
  const { id } = await tab.session.register({ email: `${crypto.randomUUID()}@example.com`, password: PASSWORD });
  await server.em.execute(`update users set role = 'ADMIN' where id = ?`, [id]);
  const price = { amount: '289.00', currency: 'EUR' };
  await server.client(await tab.session.token()).request(IMPORT, {
    input: [
      { sku: 'T-1', title: 'Tent', price },
      { sku: 'S-1', title: 'Stove' },
    ],
  });
  let last: Seen | null = null;
  const isSeen = (part: object) => until(() => isMatch(last, part));
  const front = open(tab, (seen) => (last = seen));
  try {
    const taken = server.provider.takeCall();
    const asked = front.ask();
    const call = await taken;
    await asked;
    const tent = { offset: 3, product: { sku: 'T-1', title: 'Tent', price } };
    const stove = { offset: 8, product: { sku: 'S-1', title: 'Stove', price: null } };
    call.delta('A: [[product:T-1]] and ');
    await isSeen({ status: 'STREAMING', products: [tent] });
    // A read has them, too.
    await front.read();
    call.delta('[[product:S-1]] so');
    await isSeen({ status: 'STREAMING', products: [tent, stove] });
    FakeProvider.done(call);
    await isSeen({ status: 'COMPLETED', products: [tent, stove] });
  } finally {
    front.close();
  }
});

/** Whether an answer has these parts. */
function isMatch(seen: Seen | null, part: object): boolean {
  try {
    expect(seen).toMatchObject(part);
    return true;
  } catch {
    return false;
  }
}
