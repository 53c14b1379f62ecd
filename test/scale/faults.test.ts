import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteConversationDocument,
  RegenerateAnswerDocument,
  StopAnswerDocument,
} from '../../client/src/generated/graphql.js';
import { followAnswer, FollowAnswerError } from '../../client/src/index.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { describeFleet, Fleet } from '../kit/fleet.js';
import type { Inbox } from '../kit/inbox.js';
import type { Instance } from '../kit/instance.js';
import { createDatabase, type TestDatabase } from '../kit/postgres.js';
import { until } from '../kit/until.js';
import type { ApiClient, ConversationUpdate } from '../kit/user.js';

/** Within this time followers learn that an instance has failed. */
const MAX_DETECTION_MS = 15_000;

/** Longer than leases and the timeouts of connections. */
const PAUSE_MS = 30_000;

/** Never ends. */
async function* endless(): AsyncGenerator<string> {
  for (let i = 0; ; i += 1) {
    yield `word ${i} 🌱 `;
    await sleep(100);
  }
}

describeFleet('failing instances', () => {
  let database: TestDatabase;
  let fleet: Fleet;
  /** Instances that keep running. */
  let others: Instance[];
  /** The instance that fails, a new one for each test. */
  let instance: Instance;
  beforeAll(async () => {
    database = await createDatabase();
    fleet = await Fleet.open({ DATABASE_URL: database.url });
    others = await Promise.all([fleet.start(), fleet.start()]);
  });
  beforeEach(async () => {
    fleet.provider.answer = FakeProvider.echo;
    instance = await fleet.start();
  });
  afterEach(() => instance.kill());
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const regenerate = (client: ApiClient, answerId: string) =>
    client.request(RegenerateAnswerDocument, { input: { answerId, stream: false } });

  test('a killed instance with 50 answers and 200 followers elsewhere: followers are released in time, and no text is lost', async () => {
    fleet.provider.answer = endless;
    const people = await Promise.all(Array.from({ length: 10 }, () => fleet.user(instance)));
    const asked = await Promise.all(
      people.flatMap((person) =>
        Array.from({ length: 5 }, async (_, i) => ({ person, ...(await person.ask(`Question ${i}`)) })),
      ),
    );
    const followers = asked.flatMap(({ person, answer }) =>
      Array.from({ length: 4 }, () => ({
        answer,
        follower: fleet.client(others[0]!, person.accessToken).follow(answer.id),
      })),
    );
    expect(followers).toHaveLength(200);
    await Promise.all(followers.map(({ follower }) => follower.until('word 0 🌱 word 1 🌱 word 2')));

    await instance.kill();
    const killedAt = Date.now();
    await Promise.all(followers.map(({ follower }) => follower.rest()));
    expect(Date.now() - killedAt).toBeLessThan(MAX_DETECTION_MS);

    fleet.provider.answer = FakeProvider.echo;
    const stored = new Map<string, string>();
    for (const [i, { person, answer, conversation }] of asked.entries()) {
      const client = fleet.client(others[i % 2]!, person.accessToken);
      const { status, content, error } = await client.message(answer.id);
      expect({ status, error: error?.code }).toEqual({ status: 'FAILED', error: 'INTERRUPTED' });
      stored.set(answer.id, content);
      const next =
        i % 3 === 0
          ? (await regenerate(client, answer.id)).regenerateAnswer
          : await client.ask('And now?', { conversationId: conversation.id, stream: false });
      expect(next.answer.status).toBe('COMPLETED');
    }
    for (const { answer, follower } of followers) {
      expect(follower.finished).toMatchObject({ status: 'FAILED', error: { code: 'INTERRUPTED' } });
      expect(follower.finished!.content).toBe(stored.get(answer.id));
      expect(follower.text).toBe(stored.get(answer.id));
    }
  }, 400_000);

  test('two instances that race for expired leases take over each answer once', async () => {
    fleet.provider.answer = endless;
    const jane = await fleet.user(instance);
    const asked = await Promise.all(Array.from({ length: 20 }, (_, i) => jane.ask(`Question ${i}`)));
    const there = others.map((other) => fleet.client(other, jane.accessToken));
    const inboxes = await Promise.all(there.map((client) => client.watch()));
    await Promise.all(asked.map(({ answer }) => there[0]!.follow(answer.id).until('word 0')));

    await instance.kill();
    await lockUntilBothWait();
    fleet.provider.answer = FakeProvider.echo;
    const ids = asked.map(({ answer }) => answer.id);
    for (const inbox of inboxes) await waitForIds(inbox, ids);
    // Events of an instance arrive in order: after these, no earlier event is still on its way.
    const last = await Promise.all(there.map((client) => client.ask('Goes on', { stream: false })));
    for (const inbox of inboxes) {
      await waitForIds(
        inbox,
        last.map(({ answer }) => answer.id),
      );
      expect(
        listFinished(inbox)
          .filter((id) => ids.includes(id))
          .sort(),
      ).toEqual(ids.toSorted());
    }
    for (const { conversation, answer } of asked) {
      const { messages, messagesSinceContextUpdate } = await there[1]!.conversation(conversation.id);
      expect({ messages: messages.totalCount, messagesSinceContextUpdate }).toEqual({
        messages: 2,
        messagesSinceContextUpdate: 2,
      });
      expect(await there[1]!.message(answer.id)).toMatchObject({ status: 'FAILED', error: { code: 'INTERRUPTED' } });
    }
    // The cost of the interrupted calls is unknown, so it is not recorded, let alone twice.
    const calls = await database.execute(`select 1 from model_calls where purpose = 'ANSWER' and user_id = $1`, [
      jane.id,
    ]);
    expect(calls).toHaveLength(last.length);
  }, 400_000);

  test('an instance that is paused for 30 seconds does not overwrite what others have stored, releases its followers and recovers', async () => {
    const jane = await fleet.user(instance);
    const there = fleet.client(others[0]!, jane.accessToken);
    const begin = async (question: string) => {
      const taken = fleet.provider.takeCall();
      const { answer, conversation } = await jane.ask(question);
      const call = await taken;
      const follower = there.follow(answer.id);
      const here = followAnswer(jane.socket, answer.id);
      here.catch(() => {});
      call.delta('Heard, ');
      await follower.until('Heard, ');
      await until(async () => (await there.conversation(conversation.id)).title === 'A generated title');
      return { id: answer.id, conversationId: conversation.id, call, follower, here };
    };
    const left = await begin('Left alone');
    const again = await begin('Regenerated');
    const goingOn = await begin('Asked on');
    const stopped = await begin('Stopped');
    const deleted = await begin('Deleted');
    const all = [left, again, goingOn, stopped, deleted];
    const kept = [left, again, goingOn, stopped];

    instance.pause();
    const paused = sleep(PAUSE_MS);
    for (const { call } of all) {
      call.delta('and unheard');
      FakeProvider.done(call);
    }
    await there.request(DeleteConversationDocument, { input: { id: deleted.conversationId } });
    await there.request(StopAnswerDocument, { input: { answerId: stopped.id } });
    await expect(deleted.follower.rest()).rejects.toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    for (const { follower } of kept) await follower.rest();
    await regenerate(there, again.id);
    await there.ask('Goes on', { conversationId: goingOn.conversationId, stream: false });
    const stored = await readAllRows(jane);
    expect(kept.map(({ follower }) => follower.finished!.status)).toEqual(['FAILED', 'FAILED', 'FAILED', 'STOPPED']);
    for (const { follower } of kept) expect(follower.finished!.content).toBe('Heard, ');

    await paused;
    instance.resume();
    for (const { here, follower } of kept) expect(await here).toEqual(follower.finished);
    await expect(deleted.here).rejects.toThrow(FollowAnswerError);
    // It generates answers again, and its heartbeat saves their text.
    const joe = await fleet.user(instance);
    const taken = fleet.provider.takeCall();
    const { answer } = await joe.ask('Are you back?');
    const call = await taken;
    call.delta('I am ');
    await until(async () => (await readContent(answer.id)) === 'I am ');
    call.delta('back.');
    FakeProvider.done(call);
    const follower = joe.follow(answer.id);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'I am back.' });
    expect(await readAllRows(jane)).toEqual(stored);
  }, 400_000);

  /** Returns the ids of finished answers, one for each event. */
  const listFinished = ({ all }: Inbox<ConversationUpdate>): string[] =>
    all.filter(({ type }) => type === 'ANSWER_FINISHED').map(({ messageEdge }) => messageEdge!.node.id);

  async function waitForIds(inbox: Inbox<ConversationUpdate>, ids: string[]): Promise<void> {
    while (!ids.every((id) => listFinished(inbox).includes(id)))
      if ((await inbox.next()) === null) throw new Error('The subscription completed too early.');
  }

  /** Locks the running answers until both instances wait for them, so that they race. */
  async function lockUntilBothWait(): Promise<void> {
    await database.execute(`do $$ begin
      perform 1 from messages where status = 'STREAMING' for update;
      while (select count(distinct pid) from pg_locks where not granted and pid in
          (select pid from pg_stat_activity where datname = current_database())) < 2 loop
        perform pg_sleep(0.02);
        perform pg_stat_clear_snapshot();
      end loop;
    end $$`);
  }

  const readContent = async (id: string) =>
    (await database.execute<{ content: string }>('select content from messages where id = $1', [id]))[0]!.content;

  /** Reads all rows that belong to the user's conversations. */
  async function readAllRows({ id }: { id: string }) {
    const conversations = 'select id from conversations where owner_id = $1';
    const rows = (table: string, condition: string) =>
      database.execute(`select to_jsonb(t) as row from ${table} t where ${condition} order by 1`, [id]);
    return {
      conversations: await rows('conversations', 'owner_id = $1'),
      messages: await rows('messages', `conversation_id in (${conversations})`),
      found: await rows('search_entries', `conversation_id in (${conversations})`),
      usage: await rows('model_calls', 'user_id = $1'),
      requests: await rows('asked_requests', 'user_id = $1'),
    };
  }
});
