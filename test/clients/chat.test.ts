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
