import {
  DeleteConversationDocument,
  ContinueAnswerDocument,
  RegenerateAnswerDocument,
  RenameConversationDocument,
  StopAnswerDocument,
} from '../../client/src/generated/graphql.js';
import { METADATA } from '../kit/fake-provider.js';
import { POSTGRES_URL } from '../kit/postgres.js';
import { createRandom } from '../kit/random.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

test.each([1, 2, 3])(
  'counters, covered positions and the search index match the messages after random operations (seed %d)',
  async (seed) => {
    await using server = await TestServer.start();
    const random = createRandom(seed);
    const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
    server.provider.answer = (question) => (random() < 0.15 ? [] : ['You ', 'asked: ', question]);
    server.provider.structured = (name) => {
      if (random() < 0.3) throw new Error('refused');
      return name === 'conversation_title' ? { title: 'A title' } : METADATA;
    };

    /** Ignores the errors that concurrent operations on the same conversation cause. */
    const attempt = (work: Promise<unknown>) =>
      work.catch((error: unknown) => {
        const code = (error as { response?: { errors?: { extensions: { code: string } }[] } }).response?.errors?.[0]
          ?.extensions.code;
        expect(['ANSWER_IN_PROGRESS', 'BAD_USER_INPUT', 'NOT_FOUND', 'NOT_LAST_ANSWER']).toContain(code ?? error);
      });
    async function operate(user: ApiClient): Promise<void> {
      const known: { conversationId: string; answerId: string }[] = [];
      for (let i = 0; i < 40; i += 1) {
        const one = pick(known);
        const dice = random();
        if (!one || dice < 0.5) {
          const asked = user.ask(`question ${i}`, {
            conversationId: random() < 0.8 ? one?.conversationId : undefined,
            stream: random() < 0.3,
          });
          await attempt(
            asked.then(({ conversation, answer }) =>
              known.push({ conversationId: conversation.id, answerId: answer.id }),
            ),
          );
        } else if (dice < 0.65) {
          const input = { answerId: one.answerId, stream: random() < 0.3 };
          await attempt(
            user
              .request(RegenerateAnswerDocument, { input })
              .then(({ regenerateAnswer }) => (one.answerId = regenerateAnswer.answer.id)),
          );
        } else if (dice < 0.72) {
          const input = { answerId: one.answerId, stream: random() < 0.3 };
          await attempt(user.request(ContinueAnswerDocument, { input }));
        } else if (dice < 0.84) await attempt(user.request(StopAnswerDocument, { input: { answerId: one.answerId } }));
        else if (dice < 0.95)
          await attempt(
            user.request(RenameConversationDocument, { input: { id: one.conversationId, title: `title ${i}` } }),
          );
        else await attempt(user.request(DeleteConversationDocument, { input: { id: one.conversationId } }));
      }
    }
    const users = await Promise.all([server.user(), server.user(), server.user()]);
    await Promise.all(users.map(operate));
    while ((await server.count(`messages where status = 'STREAMING'`)) > 0) await new Promise(setImmediate);
    await server.settled();

    const { em } = server;
    expect(await server.count('conversations')).toBeGreaterThan(0);
    const mismatches = await em.execute(
      `select * from (
         select c.id, c.messages_since_context_update as counter, c.covered_position,
           (select 2 * count(*) from messages m where m.conversation_id = c.id and m.position >= c.covered_position
            and m.role = 'ASSISTANT' and m.content <> '') as not_covered
         from conversations c) as counted
       where counter <> not_covered`,
    );
    expect(mismatches).toEqual([]);
    const entries = 'select conversation_id, message_id from search_entries';
    const expected = `select id, null from conversations
      union all select conversation_id, id from messages where position is not null and content <> ''`;
    const without = (all: string, some: string) => `select * from (${all}) as a except select * from (${some}) as b`;
    expect(await em.execute(without(entries, expected))).toEqual([]);
    expect(await em.execute(without(expected, entries))).toEqual([]);
    if (POSTGRES_URL) return;
    // Fails if the index does not have exactly the words of the entries.
    await em.execute(`insert into search (search, rank) values ('integrity-check', 1)`);
  },
);
