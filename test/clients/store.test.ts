import type { Chat } from '../../client/src/chat/chat.js';
import { CachedApi } from '../../client/src/caches/cached-api.js';
import type { ConversationSnapshot } from '../../client/src/chat/conversation.js';
import { AnswerStreamDocument } from '../../client/src/generated/graphql.js';
import { until } from '../kit/until.js';
import { observe } from './browser-tab.js';
import { createMessage, ScriptedServer } from './scripted-server.js';

/** A conversation that is shown, and all that was shown of it. */
class Shown implements Disposable {
  readonly snapshots: ConversationSnapshot[] = [];
  readonly conversation;
  readonly #unsubscribe;

  constructor(readonly chat: Chat) {
    this.conversation = chat.conversation('talk');
    this.#unsubscribe = this.conversation.subscribe(() => this.snapshots.push(this.conversation.getSnapshot()));
  }

  get last(): ConversationSnapshot {
    return this.conversation.getSnapshot();
  }

  get positions(): number[] {
    return this.last.messages.map(({ position }) => position);
  }

  /** All texts that the message at a position had, each once. */
  textsAt(position: number): string[] {
    const texts = this.snapshots.map(({ messages }) => messages.find((it) => it.position === position)?.content);
    return [...new Set(texts.filter((text) => text !== undefined))];
  }

  async until(isMet: (snapshot: ConversationSnapshot) => boolean): Promise<void> {
    await observe(this.conversation, isMet);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    this.chat[Symbol.dispose]();
    this.chat.session[Symbol.dispose]();
  }
}

/** Shows the conversation, and waits until it is read and the page is connected. */
async function show(server: ScriptedServer): Promise<Shown> {
  const shown = new Shown(server.open());
  await observe(shown.chat, ({ connection }) => connection === 'ONLINE');
  // The connection makes it read once more.
  await shown.until(({ status }) => status === 'READY');
  await until(() => server.requests.length === 2);
  return shown;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const delta = (offset: number, text: string) => ({ __typename: 'AnswerDelta' as const, offset, text });
const streaming = (content: string) => createMessage(1, { status: 'STREAMING', content });
const ANSWER = streaming('').id;

describe('an answer that is followed', () => {
  test('never has a hole: after a lost event it is followed again from the end of its text', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), streaming('')];
    using shown = await show(server);
    await until(() => server.followers(ANSWER).length === 1);
    server.tell(ANSWER, delta(0, 'Hello '));
    server.tell(ANSWER, delta(12, 'after the hole'));
    await until(() => server.followers(ANSWER)[0]?.variables['offset'] === 6);
    expect(server.followers(ANSWER)).toHaveLength(1);
    server.tell(ANSWER, delta(6, 'world '));
    server.tell(ANSWER, delta(12, 'after the hole'));
    const text = 'Hello world after the hole';
    server.finish(createMessage(1, { content: text }));
    await shown.until(({ streaming }) => streaming === null);
    expect(shown.textsAt(1)).toEqual(['', 'Hello ', 'Hello world ', text]);
  });

  test('is followed once, also if several sources say that it is being generated', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), streaming('')];
    using shown = await show(server);
    await until(() => server.followers(ANSWER).length === 1);
    server.announce(streaming(''));
    await shown.conversation.refresh();
    using other = new Shown(shown.chat);
    await other.until(({ streaming }) => streaming !== null);
    server.tell(ANSWER, delta(0, 'Once'));
    await other.until(({ streaming }) => streaming?.content === 'Once');
    expect(server.followers(ANSWER)).toHaveLength(1);
  });

  test('keeps the longer text if the server has stored less of it before it died', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), streaming('')];
    using shown = await show(server);
    await until(() => server.followers(ANSWER).length === 1);
    server.tell(ANSWER, delta(0, 'One two three'));
    await shown.until(({ streaming }) => streaming?.content === 'One two three');
    const error = { code: 'INTERRUPTED' as const, message: 'The server was stopped.', retryable: true };
    server.drop();
    server.put(createMessage(1, { status: 'FAILED', content: 'One two', error }));
    await shown.until(({ streaming }) => streaming === null);
    expect(shown.last.messages[1]).toMatchObject({ status: 'FAILED', content: 'One two three', error });
    // A longer one, of another instance that went on, wins too.
    server.put(createMessage(1, { status: 'FAILED', content: 'One two three four', error }));
    await shown.conversation.refresh();
    expect(shown.last.messages[1]).toMatchObject({ content: 'One two three four' });
  });

  test('ends once: a read that began before its end does not make it go on', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), streaming('Beg')];
    using shown = await show(server);
    await until(() => server.followers(ANSWER).length === 1);
    const held = Promise.withResolvers<void>();
    const count = server.requests.length;
    server.onRespond = () => held.promise;
    const reading = shown.conversation.refresh();
    await until(() => server.requests.length === count + 1);
    server.finish(createMessage(1, { content: 'Begin and end' }));
    await shown.until(({ streaming }) => streaming === null);
    held.resolve();
    await reading;
    expect(shown.last.messages[1]).toMatchObject({ status: 'COMPLETED', content: 'Begin and end' });
    expect(server.followers(ANSWER)).toEqual([]);
    expect(shown.snapshots.at(-1)!.streaming).toBeNull();
  });
});

test('an answer that a cache follows has no hole either', async () => {
  const server = new ScriptedServer();
  const { session, webSocketImpl } = server.connect();
  const api = new CachedApi(session, { webSocketImpl });
  const texts: unknown[] = [];
  const variables = { answerId: ANSWER, offset: 0 };
  const ended = Promise.withResolvers<void>();
  api.run(
    { document: AnswerStreamDocument, variables },
    { next: () => {}, error: ended.reject, complete: ended.resolve },
    ({ content }) => texts.push(content),
  );
  await until(() => server.followers(ANSWER).length === 1);
  server.tell(ANSWER, delta(0, 'Hello '));
  server.tell(ANSWER, delta(12, 'after the hole'));
  await until(() => server.followers(ANSWER)[0]?.variables['offset'] === 6);
  server.tell(ANSWER, delta(6, 'world '));
  server.finish(createMessage(1, { content: 'Hello world ' }));
  await ended.promise;
  expect(texts).toEqual(['Hello ', 'Hello world ']);
  api.close();
  session[Symbol.dispose]();
});

describe('a server that restarts', () => {
  test('the newest page is merged with what is loaded, and not put in its place', async () => {
    const server = new ScriptedServer();
    server.messages = range(0, 100).map((position) => createMessage(position));
    using shown = await show(server);
    await shown.conversation.loadEarlier();
    expect(shown.positions).toEqual(range(40, 100));
    server.drop();
    server.messages.push(...range(100, 110).map((position) => createMessage(position)));
    await shown.until(({ messages }) => messages.length === 70);
    expect(shown.positions).toEqual(range(40, 110));
    expect(shown.last).toMatchObject({ hasEarlier: true, status: 'READY' });
    const lengths = shown.snapshots.map(({ messages }) => messages.length);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  });

  test('messages between what is loaded and the newest page are read, too', async () => {
    const server = new ScriptedServer();
    server.messages = range(0, 40).map((position) => createMessage(position));
    using shown = await show(server);
    server.drop();
    server.messages.push(...range(40, 130).map((position) => createMessage(position)));
    await shown.until(({ messages }) => messages.length === 120);
    expect(shown.positions).toEqual(range(10, 130));
    // Without a hole at any time.
    for (const { messages } of shown.snapshots.filter(({ messages }) => messages.length > 0)) {
      const [first] = messages;
      expect(messages.map(({ position }) => position - first!.position)).toEqual(range(0, messages.length));
    }
  });

  test('begins anew if too many are missing, and loads the earlier ones on demand', async () => {
    const server = new ScriptedServer();
    server.messages = range(0, 40).map((position) => createMessage(position));
    using shown = await show(server);
    server.drop();
    server.messages.push(...range(40, 500).map((position) => createMessage(position)));
    await shown.until(({ messages }) => messages.at(-1)?.position === 499);
    expect(shown.positions).toEqual(range(470, 500));
    await shown.conversation.loadEarlier();
    expect(shown.positions).toEqual(range(440, 500));
  });

  test('a list keeps its pages, and begins anew when more became active than a page has', async () => {
    const server = new ScriptedServer();
    server.conversations = 80;
    using shown = await show(server);
    const list = shown.chat.conversations();
    const stop = list.subscribe(() => {});
    const numbers = () => list.getSnapshot().items.map(({ id }) => Number(id.replace('talk-', '')));
    await observe(list, ({ status }) => status === 'READY');
    await list.loadMore();
    expect(numbers()).toEqual(range(20, 80).toReversed());
    server.drop();
    server.conversations = 90;
    await observe(list, ({ items }) => items[0]!.id === 'talk-89');
    expect(numbers()).toEqual(range(20, 90).toReversed());
    server.drop();
    server.conversations = 130;
    await observe(list, ({ items }) => items[0]!.id === 'talk-129');
    expect(numbers()).toEqual(range(100, 130).toReversed());
    while (list.getSnapshot().hasMore) await list.loadMore();
    expect(numbers()).toEqual(range(0, 130).toReversed());
    stop();
  });

  test('READY brings what was missed: an end, a replaced answer, and one that goes on', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), streaming('Beg')];
    using shown = await show(server);
    await until(() => server.followers(ANSWER).length === 1);
    server.drop();
    const again = createMessage(1, {
      id: 'again',
      status: 'STREAMING',
      content: 'Ano',
      createdAt: '2026-01-02T00:00:00.000Z',
      replaces: { id: ANSWER },
    });
    server.put(again);
    await shown.until(({ messages }) => messages[1]?.id === 'again');
    expect(shown.last.messages.map(({ id }) => id)).toEqual(['message-0', 'again']);
    expect(shown.last.messages[1]).toMatchObject({ replacesId: ANSWER });
    await until(() => server.followers('again').length === 1);
    server.tell('again', delta(3, 'ther'));
    await shown.until(({ streaming }) => streaming?.content === 'Another');
    // The replaced one does not come back when its end arrives late.
    server.announce(createMessage(1, { content: 'Beginning' }));
    server.tell('again', delta(7, ' one'));
    await shown.until(({ streaming }) => streaming?.content === 'Another one');
    expect(shown.last.messages.map(({ id }) => id)).toEqual(['message-0', 'again']);
  });

  test('a read that fails after READY is sent again', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), createMessage(1)];
    using shown = await show(server);
    let failures = 1;
    server.onRespond = () => {
      if (failures-- > 0) throw new TypeError('fetch failed');
    };
    server.drop();
    server.messages.push(createMessage(2), createMessage(3));
    await shown.until(({ messages }) => messages.length === 4);
    expect(shown.last).toMatchObject({ status: 'READY', error: null });
  });

  test('a conversation that was deleted meanwhile is missing', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), createMessage(1)];
    using shown = await show(server);
    server.drop();
    server.isDeleted = true;
    await shown.until(({ status }) => status === 'MISSING');
    expect(shown.positions).toEqual([]);
  });
});

describe('an event', () => {
  test('that replaces an answer takes its place for ever, whatever the clocks of the instances say', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), createMessage(1)];
    using shown = await show(server);
    const again = createMessage(1, { id: 'again', replaces: { id: ANSWER }, createdAt: '2025-12-31T00:00:00.000Z' });
    server.put(again);
    server.announce(again);
    await shown.until(({ messages }) => messages[1]?.id === 'again');
    // Late.
    server.announce(createMessage(1));
    server.announce(createMessage(2));
    await shown.until(({ messages }) => messages.length === 3);
    expect(shown.last.messages.map(({ id }) => id)).toEqual(['message-0', 'again', 'message-2']);
  });

  test('after one that was lost leads to a read, and to no hole', async () => {
    const server = new ScriptedServer();
    server.messages = [createMessage(0), createMessage(1)];
    using shown = await show(server);
    server.messages.push(createMessage(2), createMessage(3), createMessage(4));
    server.announce(createMessage(4));
    await shown.until(({ messages }) => messages.length === 5);
    expect(new Set(shown.snapshots.map(({ messages }) => messages.length))).toEqual(new Set([2, 5]));
  });
});
