import { print } from 'graphql';
import {
  ConversationsDocument,
  ConversationUpdatesDocument,
  DeleteConversationDocument,
  LoginDocument,
  RegenerateAnswerDocument,
  RenameConversationDocument,
  StopAnswerDocument,
} from '../../client/src/generated/graphql.js';
import { conversationChanged, ConversationUpdateType } from '../../src/conversations/conversation.topics.js';
import { MemoryBus } from '../../src/platform/pubsub/bus.js';
import { readPendingEvents } from '../../src/platform/pubsub/pending-events.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { Inbox } from '../kit/inbox.js';
import { captureQueries } from '../kit/queries.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import type { ConversationUpdate } from '../kit/user.js';

type Update = ConversationUpdate;

describe('conversationUpdates', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  async function untilType(inbox: Inbox<Update>, type: string): Promise<Update> {
    for (;;) {
      const update = await inbox.next();
      if (!update) throw new Error(`The subscription completed without ${type}.`);
      if (update.type === type) return update;
    }
  }

  test('sends every change to the owner only', async () => {
    const [jane, mallory] = [await server.user(), await server.user()];
    const phone = server.client(jane.accessToken);
    const inbox = await phone.watch();
    const others = await mallory.watch();

    const { conversation, question, answer } = await jane.ask('q1', { stream: false });
    const { id } = conversation;
    await server.settled();
    await jane.ask('q2', { stream: false, conversationId: id });
    const third = await jane.ask('q3', { stream: false, conversationId: id });
    await untilType(inbox, 'METADATA_UPDATED');
    const first = inbox.all.slice(0, 3);
    expect(first.map(({ type, messageEdge }) => [type, messageEdge?.node.id])).toEqual([
      ['CREATED', undefined],
      ['MESSAGE_ADDED', question.id],
      ['MESSAGE_ADDED', answer.id],
    ]);
    const renamed = inbox.all.find(({ type }) => type === 'RENAMED');
    expect(renamed!.conversationEdge!.node.title).toBe('A generated title');
    const finished = inbox.all.filter(({ type }) => type === 'ANSWER_FINISHED');
    expect(finished.map(({ messageEdge }) => messageEdge!.node.status)).toEqual([
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
    ]);
    expect(inbox.all.at(-1)!.conversationEdge!.node.metadata).not.toBeNull();

    await jane.request(RenameConversationDocument, { input: { id, title: 'Mine' } });
    expect((await untilType(inbox, 'RENAMED')).conversationEdge!.node.title).toBe('Mine');
    const { regenerateAnswer } = await jane.request(RegenerateAnswerDocument, {
      input: { answerId: third.answer.id, stream: false },
    });
    expect((await untilType(inbox, 'MESSAGE_ADDED')).messageEdge!.node).toMatchObject({
      id: regenerateAnswer.answer.id,
      replaces: { id: third.answer.id },
    });
    await jane.request(DeleteConversationDocument, { input: { id } });
    expect(await untilType(inbox, 'DELETED')).toMatchObject({
      conversationId: id,
      conversationEdge: null,
      messageEdge: null,
    });

    await mallory.ask('Mine');
    expect((await others.next())!.type).toBe('CREATED');
    expect(others.all.every(({ conversationId }) => conversationId !== id)).toBe(true);
    expect(inbox.all.every(({ conversationId }) => conversationId === id)).toBe(true);
  });

  test('sends changes to one conversation to its owner only', async () => {
    const [jane, mallory] = [await server.user(), await server.user()];
    const { conversation } = await jane.ask('One', { stream: false });
    const inbox = await jane.watch(conversation.id);
    await jane.ask('Another one', { stream: false });
    await jane.ask('More', { stream: false, conversationId: conversation.id });
    await untilType(inbox, 'ANSWER_FINISHED');
    expect(new Set(inbox.all.map(({ conversationId }) => conversationId))).toEqual(new Set([conversation.id]));
    for (const id of [conversation.id, 'x']) {
      await expect(
        mallory.requestOverSocket(print(ConversationUpdatesDocument), { conversationId: id }),
      ).rejects.toMatchObject([{ extensions: { code: 'NOT_FOUND', fields: { conversationId: expect.any(String) } } }]);
    }
  });

  test('begins with READY, and sends every change that follows it', async () => {
    const jane = await server.user();
    for (let i = 0; i < 10; i += 1) {
      const first = new Inbox<unknown>();
      const fields =
        'type conversationId ownSession conversation { id } conversationEdge { cursor } message { id } messageEdge { cursor }';
      const stop = jane.subscribe(
        `subscription { conversationUpdates { ${fields} } }`,
        {},
        { next: (data) => first.push(data), error: (error) => first.fail(error), complete: () => first.close() },
      );
      expect(await first.next()).toEqual({
        conversationUpdates: {
          type: 'READY',
          conversationId: '',
          ownSession: false,
          conversation: null,
          conversationEdge: null,
          message: null,
          messageEdge: null,
        },
      });
      const { conversation } = await jane.ask(`Round ${i}`, { stream: false });
      expect(await first.next()).toMatchObject({
        conversationUpdates: { type: 'CREATED', conversationId: conversation.id },
      });
      stop();
      // The title of this round must not arrive in the next one.
      await server.settled();
    }
  });

  test('loses no change between the subscription and the list that is read after READY', async () => {
    const jane = await server.user();
    const writer = server.client(jane.accessToken);
    const asked = Array.from({ length: 8 }, (_, i) => writer.ask(`Meanwhile ${i}`, { stream: false }));
    const inbox = await jane.watch();
    const { conversations } = await jane.request(ConversationsDocument, { first: 100 });
    const known = new Set(conversations.edges.map(({ node }) => node.id));
    const ids = (await Promise.all(asked)).map(({ conversation }) => conversation.id);
    while (!ids.every((id) => known.has(id))) known.add((await inbox.next())!.conversationId);
  });

  test('edges have the cursors of the lists', async () => {
    const jane = await server.user();
    const inbox = await jane.watch();
    const { conversation, answer } = await jane.ask('Edges', { stream: false });
    const { messageEdge } = await untilType(inbox, 'ANSWER_FINISHED');
    await server.settled();
    await jane.request(RenameConversationDocument, { input: { id: conversation.id, title: 'Mine' } });
    let renamed = await untilType(inbox, 'RENAMED');
    while (renamed.conversationEdge!.node.title !== 'Mine') renamed = await untilType(inbox, 'RENAMED');
    const query = 'query ($id: ID!) { conversation(id: $id) { messages { edges { cursor node { id } } } } }';
    const listed = await jane.request<{ conversation: { messages: { edges: unknown[] } } }>(query, conversation);
    expect(listed.conversation.messages.edges[1]).toEqual({ cursor: messageEdge!.cursor, node: { id: answer.id } });
    const { conversations } = await jane.request(ConversationsDocument, {});
    expect(conversations.edges[0]!.cursor).toBe(renamed.conversationEdge!.cursor);
  });

  test('ownSession tells the changes of other sessions from those of this one', async () => {
    const jane = await server.user();
    const { login } = await server.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });
    const phone = server.client(login.accessToken);
    const [mine, theirs] = [await jane.watch(), await phone.watch()];
    const { conversation } = await jane.ask('From the desk', { stream: false });
    const input = { id: conversation.id, title: 'From the phone' };
    // The assistant renames it first. Later, the two events could be merged.
    await Promise.all([mine, theirs].map((inbox) => untilType(inbox, 'RENAMED')));
    await phone.request(RenameConversationDocument, { input });
    const taken = server.provider.takeCall();
    const stopped = await jane.ask('Stop me', { conversationId: conversation.id });
    const call = await taken;
    await phone.request(StopAnswerDocument, { input: { answerId: stopped.answer.id } });
    FakeProvider.done(call);
    await phone.request(DeleteConversationDocument, { input: { id: conversation.id } });
    await Promise.all([mine, theirs].map((inbox) => untilType(inbox, 'DELETED')));
    const listCauses = (inbox: Inbox<Update>, type: string) =>
      inbox.all.filter((update) => update.type === type).map(({ ownSession }) => ownSession);
    expect(listCauses(mine, 'CREATED')).toEqual([true]);
    expect(listCauses(theirs, 'CREATED')).toEqual([false]);
    // The second answer was asked for by one session and stopped by the other.
    expect(listCauses(mine, 'ANSWER_FINISHED')).toEqual([true, false]);
    expect(listCauses(theirs, 'ANSWER_FINISHED')).toEqual([false, true]);
    expect(listCauses(mine, 'RENAMED')).toEqual([false, false]);
    expect(listCauses(theirs, 'RENAMED')).toEqual([false, true]);
    expect([...listCauses(mine, 'DELETED'), ...listCauses(theirs, 'DELETED')]).toEqual([false, true]);
  });

  test('an event takes a query for its conversation, one for its message and one for the newest one, and READY takes none', async () => {
    const jane = await server.user();
    const { conversation, answer } = await jane.ask('Counted', { stream: false });
    await server.settled();
    (await jane.watch()).stop();
    const subscribing = await captureQueries(server, async () => void (await jane.watch()).stop());
    // The one that authenticates.
    expect(subscribing.length).toBe(1);
    const inbox = await jane.watch();
    const type = ConversationUpdateType.ANSWER_FINISHED;
    const change = { type, ownerId: jane.id, conversationId: conversation.id, messageId: answer.id };
    const queries = await captureQueries(server, async () => {
      server.server.services.bus.publish(conversationChanged, change);
      expect(await inbox.next()).toMatchObject({ messageEdge: { node: { id: answer.id } } });
    });
    expect(queries.length).toBe(3);
  });

  test('merges events for a slow reader and completes when too many are pending', async () => {
    const bus = new MemoryBus();
    const change = { type: ConversationUpdateType.RENAMED, ownerId: 'o', conversationId: 'c' };
    const follow = (signal: AbortSignal) =>
      readPendingEvents(bus, conversationChanged, signal, {
        isWanted: () => true,
        toKey: ({ type, conversationId }) => `${type} ${conversationId}`,
      });
    const slow = follow(new AbortController().signal);
    for (let i = 0; i < 5_000; i += 1) bus.publish(conversationChanged, change);
    bus.publish(conversationChanged, { ...change, conversationId: 'd' });
    expect([(await slow.next()).value, (await slow.next()).value]).toMatchObject([
      { conversationId: 'c' },
      { conversationId: 'd' },
    ]);

    const overrun = follow(new AbortController().signal);
    for (let i = 0; i < 2_000; i += 1) bus.publish(conversationChanged, { ...change, conversationId: String(i) });
    expect(await overrun.next()).toEqual({ done: true, value: undefined });

    const controller = new AbortController();
    const waiting = follow(controller.signal);
    const next = waiting.next();
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
