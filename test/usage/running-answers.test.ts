import { AskQuestionDocument, RegenerateAnswerDocument } from '../../client/src/generated/graphql.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

interface Refusal {
  code: string;
  retryAfter: number;
}

/** Sends requests at once. Returns how many succeeded, and the extensions of the errors. */
async function settle(requests: readonly Promise<unknown>[]): Promise<{ passed: number; refused: Refusal[] }> {
  const results = await Promise.allSettled(requests);
  const refused = results.flatMap((result) =>
    result.status === 'rejected'
      ? [(result.reason as { response: { errors: { extensions: Refusal }[] } }).response.errors[0]!.extensions]
      : [],
  );
  return { passed: results.length - refused.length, refused };
}

/** The answers begin, but end only when `end` is called. */
function holdAnswers(server: TestServer): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.provider.answer = async function* () {
    yield 'Well';
    await promise;
  };
  return resolve;
}

const ask = (question: string, requestId?: string) => ({ input: { question, requestId } });

describe('running answers', () => {
  test('of 30 questions at once as many start as a user may have running answers', async () => {
    await using server = await TestServer.start({ MAX_RUNNING_ANSWERS_PER_USER: '5' });
    const end = holdAnswers(server);
    const [jane, john] = [await server.user(), await server.user()];
    const asked = await settle(
      Array.from({ length: 30 }, (_, i) => jane.request(AskQuestionDocument, ask(`Question ${i}`))),
    );
    expect(asked.passed).toBe(5);
    expect(asked.refused).toEqual(
      Array.from({ length: 25 }, () => ({ code: 'TOO_MANY_ANSWERS', retryAfter: expect.any(Number) })),
    );
    expect(await server.count('conversations')).toBe(5);
    expect((await settle([john.request(AskQuestionDocument, ask('Mine'))])).passed).toBe(1);
    end();
  });

  test('a finished answer makes room for the next one', async () => {
    await using server = await TestServer.start({ MAX_RUNNING_ANSWERS_PER_USER: '1' });
    const jane = await server.user();
    for (let i = 0; i < 3; i += 1) await jane.ask(`Question ${i}`, { stream: false });
    const end = holdAnswers(server);
    const { answer } = await jane.ask('Slow');
    const follower = jane.follow(answer.id);
    await follower.until('Well');
    expect(await jane.getErrorCode(AskQuestionDocument, ask('One too many'))).toBe('TOO_MANY_ANSWERS');
    end();
    await follower.rest();
    // The place is free a moment after the answer is finished.
    await until(async () => (await settle([jane.request(AskQuestionDocument, ask('Again'))])).passed === 1);
  });

  test('a question that is refused for another reason frees its place', async () => {
    await using server = await TestServer.start({ MAX_RUNNING_ANSWERS_PER_USER: '1' });
    const jane = await server.user();
    const input = { question: 'Where?', conversationId: '0193b0c0-0000-7000-8000-000000000000' };
    for (let i = 0; i < 3; i += 1) expect(await jane.getErrorCode(AskQuestionDocument, { input })).toBe('NOT_FOUND');
  });

  test('regenerated answers count, and change nothing when they are refused', async () => {
    await using server = await TestServer.start({ MAX_RUNNING_ANSWERS_PER_USER: '1' });
    const jane = await server.user();
    const { answer, conversation } = await jane.ask('First', { stream: false });
    await server.settled();
    const end = holdAnswers(server);
    await jane.ask('Slow');
    const input = { answerId: answer.id };
    expect(await jane.getErrorCode(RegenerateAnswerDocument, { input })).toBe('TOO_MANY_ANSWERS');
    expect((await jane.conversation(conversation.id)).messages.nodes.at(-1)!.id).toBe(answer.id);
    end();
  });

  test('the retry of a known request id is never refused', async () => {
    await using server = await TestServer.start({ MAX_RUNNING_ANSWERS_PER_USER: '1' });
    const end = holdAnswers(server);
    const jane = await server.user();
    const first = await jane.ask('Slow', { requestId: 'first' });
    const again = await jane.ask('Slow', { requestId: 'first' });
    expect(again.answer.id).toBe(first.answer.id);
    expect(await jane.getErrorCode(AskQuestionDocument, ask('Other', 'second'))).toBe('TOO_MANY_ANSWERS');
    end();
  });

  test('each instance limits the answers of all users', async () => {
    await using server = await TestServer.start({ MAX_RUNNING_ANSWERS: '2' });
    const end = holdAnswers(server);
    const users = [await server.user(), await server.user(), await server.user(), await server.user()];
    const limit = 2 * server.instances.length;
    const asked = await settle(
      Array.from({ length: 30 }, (_, i) => users[i % 4]!.request(AskQuestionDocument, ask(`Question ${i}`))),
    );
    expect(asked.passed).toBe(limit);
    expect(new Set(asked.refused.map(({ code }) => code))).toEqual(new Set(['TOO_MANY_ANSWERS']));
    end();
  });
});
