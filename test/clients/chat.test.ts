import type { Fetch } from '../../client/src/session/post.js';
import { MemoryStorage } from '../../client/src/session/stored-tokens.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { observe, Tab } from './browser-tab.js';

const register = (tab: Tab) =>
  tab.session.register({ email: `${crypto.randomUUID()}@example.com`, password: PASSWORD });

test('a question is shown at once, its answer grows and ends', async () => {
  await using server = await TestServer.start();
  using tab = new Tab(server.url);
  await register(tab);
  const taken = server.provider.takeCall();
  const conversation = tab.chat.conversation(null);
  const stop = conversation.subscribe(() => {});
  const asked = conversation.ask('Is it raining?');
  expect(conversation.getSnapshot()).toMatchObject({
    id: null,
    isBusy: true,
    messages: [{ role: 'USER', content: 'Is it raining?', delivery: 'SENDING' }],
  });
  const call = await taken;
  await asked;
  expect(conversation.getSnapshot().messages.map(({ role, delivery }) => [role, delivery])).toEqual([
    ['USER', 'STORED'],
    ['ASSISTANT', 'STORED'],
  ]);
  call.delta('It is ');
  await observe(conversation, ({ streaming }) => streaming?.content === 'It is ');
  call.delta('not.');
  FakeProvider.done(call);
  const { messages, streaming, id } = await observe(conversation, ({ isBusy }) => !isBusy);
  expect(streaming).toBeNull();
  expect(messages[1]).toMatchObject({ status: 'COMPLETED', content: 'It is not.' });
  expect(tab.chat.conversation(id)).toBe(conversation);
  stop();
});

test('a question whose response was lost is sent again with the same requestId, and stored once', async () => {
  await using server = await TestServer.start();
  const requestIds: string[] = [];
  const lossyFetch: Fetch = async (url, init) => {
    const { query, variables } = JSON.parse(init.body) as {
      query: string;
      variables?: { input?: { requestId?: string } };
    };
    const response = await fetch(url, init);
    if (!query.includes('mutation AskQuestion')) return response;
    requestIds.push(variables!.input!.requestId!);
    await response.text();
    if (requestIds.length === 1) throw new TypeError('fetch failed');
    return fetch(url, init);
  };
  using tab = new Tab(server.url, undefined, { fetch: lossyFetch });
  await register(tab);
  const conversation = tab.chat.conversation(null);
  await conversation.ask('Once?');
  const { messages } = await observe(conversation, ({ isBusy }) => !isBusy);
  expect(messages.map(({ content }) => content)).toEqual(['Once?', 'You asked: Once?']);
  expect(requestIds.length).toBeGreaterThan(1);
  expect(new Set(requestIds).size).toBe(1);
});

test('drafts are kept over a reload, and another user sees nothing of the last one', async () => {
  await using server = await TestServer.start();
  const storage = new MemoryStorage();
  {
    using tab = new Tab(server.url, storage);
    await register(tab);
    tab.chat.conversation(null).setDraft('Not yet sent');
  }
  using tab = new Tab(server.url, storage);
  const draft = tab.chat.conversation(null);
  expect(draft.getSnapshot().draft).toBe('Not yet sent');
  await draft.ask('A secret');
  const asked = await observe(draft, ({ isBusy }) => !isBusy);
  await observe(tab.chat.conversations(), ({ items }) => items.length === 1);
  tab.chat.conversation(asked.id).setDraft('Another secret');
  await tab.session.signOut();
  expect(draft.getSnapshot()).toMatchObject({ messages: [], conversation: null, draft: '' });
  await register(tab);
  await observe(tab.chat.conversations(), ({ status, items }) => status === 'READY' && items.length === 0);
  await observe(tab.chat.conversation(asked.id), ({ status, messages }) => status === 'MISSING' && !messages.length);
  expect(tab.chat.conversation(null).getSnapshot().draft).toBe('');
});
