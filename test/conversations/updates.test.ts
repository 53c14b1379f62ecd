import { print } from 'graphql';
import {
  ConversationUpdatesDocument,
  DeleteConversationDocument,
  MeDocument,
  RegenerateAnswerDocument,
  RenameConversationDocument,
  type ConversationUpdatesSubscription,
} from '../../src/client/generated/graphql.js';
import { conversationChanged, ConversationUpdateType } from '../../src/conversations/conversation.events.js';
import { MemoryBus } from '../../src/platform/pubsub/bus.js';
import { pendingEvents } from '../../src/platform/pubsub/pending-events.js';
import { Inbox } from '../kit/inbox.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

type Update = ConversationUpdatesSubscription['conversationUpdates'];

/** The id of no conversation. */
const NOWHERE = '00000000-0000-7000-8000-000000000000';
/** What `watch` publishes, on each instance a type of its own. Such an update of the server's own has a message. */
const MARKERS = [ConversationUpdateType.MESSAGE_ADDED, ConversationUpdateType.ANSWER_FINISHED];
const isMarker = ({ type, message }: Update) => (MARKERS as string[]).includes(type) && !message;

describe('conversationUpdates', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  /** Follows, and returns once that is known to have begun: what happens from now on is told. */
  async function watch(client: ApiClient, conversationId?: string): Promise<Inbox<Update> & { stop: () => void }> {
    const inbox = new Inbox<Update>();
    const heard = new Set<string>();
    let hasFailed = false;
    const stop = client.subscribe(
      print(ConversationUpdatesDocument),
      { conversationId },
      {
        next: (data) => {
          const update = (data as ConversationUpdatesSubscription).conversationUpdates;
          if (isMarker(update)) heard.add(update.type);
          else inbox.push(update);
        },
        error: (error) => {
          hasFailed = true;
          inbox.fail(error);
        },
        complete: () => inbox.close(),
      },
    );
    // Nothing else tells when it is heard what each instance says. Markers may still come later; none gets into the inbox.
    const ownerId = (await client.request(MeDocument)).me.id;
    const marker = { ownerId, conversationId: conversationId ?? NOWHERE };
    await until(() => {
      for (const [i, { services }] of server.instances.entries())
        services.bus.publish(conversationChanged, { type: MARKERS[i]!, ...marker });
      // Of a failure the inbox tells.
      return hasFailed || heard.size === server.instances.length;
    });
    return Object.assign(inbox, { stop });
  }
  async function untilType(inbox: Inbox<Update>, type: string): Promise<Update> {
    for (;;) {
      const update = await inbox.next();
      if (!update) throw new Error(`Ended without ${type}`);
      if (update.type === type) return update;
    }
  }

  test('everything that happens, to whom it belongs', async () => {
    const [jane, mallory] = [await server.user(), await server.user()];
    const phone = server.client(jane.accessToken);
    const inbox = await watch(phone);
    const others = await watch(mallory);

    const { conversation, question, answer } = await jane.ask('q1', { stream: false });
    const { id } = conversation;
    await server.settled();
    await jane.ask('q2', { stream: false, conversationId: id });
    const third = await jane.ask('q3', { stream: false, conversationId: id });
    await untilType(inbox, 'METADATA_UPDATED');
    const first = inbox.all.slice(0, 3);
    expect(first.map(({ type, message }) => [type, message?.id])).toEqual([
      ['CREATED', undefined],
      ['MESSAGE_ADDED', question.id],
      ['MESSAGE_ADDED', answer.id],
    ]);
    const renamed = inbox.all.find(({ type }) => type === 'RENAMED');
    expect(renamed!.conversation!.title).toBe('A generated title');
    const finished = inbox.all.filter(({ type }) => type === 'ANSWER_FINISHED');
    expect(finished.map(({ message }) => message!.status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
    expect(inbox.all.at(-1)!.conversation!.metadata).not.toBeNull();

    await jane.request(RenameConversationDocument, { input: { id, title: 'Mine' } });
    expect((await untilType(inbox, 'RENAMED')).conversation!.title).toBe('Mine');
    const { regenerateAnswer } = await jane.request(RegenerateAnswerDocument, {
      input: { answerId: third.answer.id, stream: false },
    });
    expect((await untilType(inbox, 'MESSAGE_ADDED')).message!.id).toBe(regenerateAnswer.answer.id);
    await jane.request(DeleteConversationDocument, { input: { id } });
    expect(await untilType(inbox, 'DELETED')).toMatchObject({ conversationId: id, conversation: null, message: null });

    await mallory.ask('Mine');
    expect((await others.next())!.type).toBe('CREATED');
    expect(others.all.every(({ conversationId }) => conversationId !== id)).toBe(true);
    expect(inbox.all.every(({ conversationId }) => conversationId === id)).toBe(true);
  });

  test('of one conversation, if it is one’s own', async () => {
    const [jane, mallory] = [await server.user(), await server.user()];
    const { conversation } = await jane.ask('One', { stream: false });
    const inbox = await watch(jane, conversation.id);
    await jane.ask('Another one', { stream: false });
    await jane.ask('More', { stream: false, conversationId: conversation.id });
    await untilType(inbox, 'ANSWER_FINISHED');
    expect(new Set(inbox.all.map(({ conversationId }) => conversationId))).toEqual(new Set([conversation.id]));
    for (const id of [conversation.id, 'x']) {
      await expect(mallory.over(print(ConversationUpdatesDocument), { conversationId: id })).rejects.toMatchObject([
        { extensions: { code: 'NOT_FOUND', fields: { conversationId: expect.any(String) } } },
      ]);
    }
  });

  test('one who does not read gets merged events, and is let go before they are too many', async () => {
    const bus = new MemoryBus();
    const change = { type: ConversationUpdateType.RENAMED, ownerId: 'o', conversationId: 'c' };
    const follow = (signal: AbortSignal) =>
      pendingEvents(bus, conversationChanged, signal, {
        isWanted: () => true,
        keyOf: ({ type, conversationId }) => `${type} ${conversationId}`,
      });
    const patient = follow(new AbortController().signal);
    for (let i = 0; i < 5_000; i += 1) bus.publish(conversationChanged, change);
    bus.publish(conversationChanged, { ...change, conversationId: 'd' });
    expect([(await patient.next()).value, (await patient.next()).value]).toMatchObject([
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
