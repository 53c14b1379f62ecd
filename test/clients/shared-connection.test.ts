import { FakeProvider } from '../kit/fake-provider.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { MemoryStorage } from '../../client/src/session/stored-tokens.js';
import { until } from '../kit/until.js';
import { observe, Tab } from './browser-tab.js';

/** Counts the WebSockets and event streams that are opened. */
let opened = 0;
class CountedWebSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol);
    opened += 1;
  }
}
const realFetch = globalThis.fetch;
beforeEach(() => {
  opened = 0;
  globalThis.fetch = (input, init) => {
    if (new Headers(init?.headers).get('accept') === 'text/event-stream') opened += 1;
    return realFetch(input, init);
  };
});
afterEach(() => {
  globalThis.fetch = realFetch;
});

describe.each(['websocket', 'sse'] as const)('six tabs over %s', (transport) => {
  test('share a connection, and go on when the tab that has it is closed', async () => {
    await using server = await TestServer.start();
    // One instance: a shared event stream needs sticky routing.
    const { url } = server.server;
    const storage = new MemoryStorage();
    const options = { transport, share: true, webSocketImpl: CountedWebSocket as never };
    const first = new Tab(url, storage, options);
    await first.session.register({ email: `${crypto.randomUUID()}@example.com`, password: PASSWORD });
    const tabs = [first];
    while (tabs.length < 6) tabs.push(new Tab(url, storage, options));
    try {
      const taken = server.provider.takeCall();
      const asked = first.chat.conversation(null);
      const stop = asked.subscribe(() => {});
      await asked.ask('Go');
      const id = asked.id!;
      const call = await taken;
      call.delta('one ');
      const conversations = tabs.map(({ chat }) => chat.conversation(id));
      await Promise.all(conversations.map((it) => observe(it, ({ streaming }) => streaming?.content === 'one ')));
      await Promise.all(tabs.map(({ chat }) => observe(chat, ({ connection }) => connection === 'ONLINE')));
      const watching = conversations.slice(1).map((it) => it.subscribe(() => {}));
      await Promise.all(conversations.slice(1).map((it) => observe(it, ({ streaming }) => streaming !== null)));
      expect(opened).toBe(1);
      // The first tab opened the connection.
      stop();
      first[Symbol.dispose]();
      call.delta('two ');
      await Promise.all(
        conversations.slice(1).map((it) => observe(it, ({ streaming }) => streaming?.content === 'one two ')),
      );
      await until(() => opened === 2);
      FakeProvider.done(call);
      const ends = await Promise.all(conversations.slice(1).map((it) => observe(it, ({ isBusy }) => !isBusy)));
      for (const { messages } of ends) expect(messages[1]).toMatchObject({ status: 'COMPLETED', content: 'one two ' });
      for (const unsubscribe of watching) unsubscribe();
    } finally {
      for (const tab of tabs) tab[Symbol.dispose]();
    }
  });
});
