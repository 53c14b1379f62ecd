import {
  AskQuestionDocument,
  RegenerateAnswerDocument,
  StopAnswerDocument,
  type RegenerateAnswerInput,
} from '../../client/src/generated/graphql.js';
import { METADATA, FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('stop and regenerate', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeEach(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const stop = async (client: ApiClient, answerId: string) =>
    (await client.request(StopAnswerDocument, { input: { answerId } })).stopAnswer;
  const regenerate = async (answerId: string, more: Partial<RegenerateAnswerInput> = {}) =>
    (await jane.request(RegenerateAnswerDocument, { input: { answerId, stream: false, ...more } })).regenerateAnswer;
  const getErrorCode = (answerId: string) => jane.getErrorCode(RegenerateAnswerDocument, { input: { answerId } });
  const lastPrompt = () =>
    server.provider.requests
      .at(-1)!
      .messages.slice(1)
      .map(({ content }) => content);
  const settled = () => server.settled();

  describe('stopAnswer', () => {
    test('aborts the call, keeps the text so far and finishes the stream', async () => {
      const taken = server.provider.takeCall();
      const { conversation, answer } = await jane.ask('Talk for ever');
      const call = await taken;
      const aborted = new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));
      const follower = jane.follow(answer.id);
      call.delta('So far ');
      await follower.until('So far ');
      const stopped = await stop(jane, answer.id);
      expect(stopped).toMatchObject({ id: answer.id, status: 'STOPPED', content: 'So far ', error: null });
      expect(stopped.usage).toMatchObject({ completionTokens: 3, estimated: true });
      await aborted;
      await follower.rest();
      expect(follower.finished).toMatchObject({ status: 'STOPPED', content: 'So far ' });
      expect(follower.text).toBe('So far ');

      await jane.ask('Go on', { conversationId: conversation.id, stream: false });
      expect(lastPrompt()).toEqual(['Talk for ever', 'So far ', 'Go on']);
    });

    test('stops an answer before its first token', async () => {
      const taken = server.provider.takeCall();
      const { answer, conversation } = await jane.ask('Never mind');
      await taken;
      expect(await stop(jane, answer.id)).toMatchObject({
        status: 'STOPPED',
        content: '',
        usage: { completionTokens: 0 },
      });
      expect((await jane.conversation(conversation.id)).messagesSinceContextUpdate).toBe(0);
    });

    test('does not change a finished answer, and may be repeated', async () => {
      const { answer } = await jane.ask('Done', { stream: false });
      expect(await stop(jane, answer.id)).toMatchObject({ status: 'COMPLETED', content: answer.content });
      const taken = server.provider.takeCall();
      const running = await jane.ask('Twice');
      await taken;
      const both = await Promise.all([stop(jane, running.answer.id), stop(jane, running.answer.id)]);
      expect(both.map(({ status }) => status)).toEqual(['STOPPED', 'STOPPED']);
    });

    test('refuses questions and the answers of other users', async () => {
      const taken = server.provider.takeCall();
      const { answer, question } = await jane.ask('Mine');
      const call = await taken;
      const mallory = await server.user();
      expect(await mallory.getErrorCode(StopAnswerDocument, { input: { answerId: answer.id } })).toBe('NOT_FOUND');
      for (const answerId of [question.id, 'x', '']) {
        expect(await jane.getErrorCode(StopAnswerDocument, { input: { answerId } })).toBe('NOT_FOUND');
      }
      call.delta('Still here');
      FakeProvider.done(call);
      const follower = jane.follow(answer.id);
      await follower.rest();
      expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Still here' });
    });
  });

  describe('regenerateAnswer', () => {
    test('replaces the old answer in the history, the prompt and the counter', async () => {
      const { conversation } = await jane.ask('First', { stream: false });
      const { answer: old } = await jane.ask('Second', { stream: false, conversationId: conversation.id });
      server.provider.answer = () => ['Better.'];
      const { answer, question } = await regenerate(old.id);
      expect(answer).toMatchObject({ status: 'COMPLETED', content: 'Better.', replaces: { id: old.id } });
      expect(question.content).toBe('Second');
      expect(lastPrompt()).toEqual(['First', 'You asked: First', 'Second']);
      const now = await jane.conversation(conversation.id);
      expect(now.messages.nodes.map(({ content }) => content)).toEqual([
        'First',
        'You asked: First',
        'Second',
        'Better.',
      ]);
      expect(now.messages.totalCount).toBe(4);
      expect(now.lastMessage!.id).toBe(answer.id);
      expect(now.messagesSinceContextUpdate).toBe(4);
      // The old answer can still be read.
      expect((await jane.message(old.id)).content).toBe('You asked: Second');
      await jane.ask('Third', { stream: false, conversationId: conversation.id });
      expect(lastPrompt()).toEqual(['First', 'You asked: First', 'Second', 'Better.', 'Third']);
    });

    test('streams, and replaces a failed answer', async () => {
      const failing = server.provider.takeCall();
      const asked = jane.ask('Will it work?', { stream: false });
      (await failing).fail(503, { message: 'x' });
      const { answer: failed, conversation } = await asked;
      expect(failed.error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true });
      const taken = server.provider.takeCall();
      const { answer } = await regenerate(failed.id, { stream: true });
      expect(answer.status).toBe('STREAMING');
      const call = await taken;
      const follower = jane.follow(answer.id);
      call.delta('Yes');
      await follower.until('Yes');
      FakeProvider.done(call);
      await follower.rest();
      expect((await jane.conversation(conversation.id)).messagesSinceContextUpdate).toBe(2);
    });

    test('refuses all but the last answer, and concurrent requests', async () => {
      const { conversation, answer: first } = await jane.ask('One', { stream: false });
      const { answer: second, question } = await jane.ask('Two', { stream: false, conversationId: conversation.id });
      expect(await getErrorCode(first.id)).toBe('NOT_LAST_ANSWER');
      expect(await getErrorCode(question.id)).toBe('NOT_FOUND');
      expect(await getErrorCode('x')).toBe('NOT_FOUND');
      const mallory = await server.user();
      expect(await mallory.getErrorCode(RegenerateAnswerDocument, { input: { answerId: second.id } })).toBe(
        'NOT_FOUND',
      );
      const taken = server.provider.takeCall();
      const race = await Promise.allSettled(Array.from({ length: 5 }, () => regenerate(second.id, { stream: true })));
      expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const call = await taken;
      expect(
        await jane.getErrorCode(AskQuestionDocument, { input: { question: 'Now?', conversationId: conversation.id } }),
      ).toBe('ANSWER_IN_PROGRESS');
      call.delta('x');
      FakeProvider.done(call);
      const { answer: third } = (
        race.find(({ status }) => status === 'fulfilled') as PromiseFulfilledResult<
          Awaited<ReturnType<typeof regenerate>>
        >
      ).value;
      await jane.follow(third.id).rest();
      expect(await getErrorCode(second.id)).toBe('NOT_LAST_ANSWER');
      expect((await regenerate(third.id)).answer.replaces!.id).toBe(third.id);
    });

    test('regenerates once for requests with the same request id', async () => {
      const { answer } = await jane.ask('Once', { stream: false });
      const before = server.provider.requests.length;
      const race = await Promise.all(Array.from({ length: 4 }, () => regenerate(answer.id, { requestId: 'again' })));
      expect(new Set(race.map((payload) => payload.answer.id)).size).toBe(1);
      expect((await regenerate(answer.id, { requestId: 'again' })).answer.id).toBe(race[0]!.answer.id);
      expect(server.provider.requests.length).toBe(before + 1);
    });

    test('puts an exchange that the metadata covers back into the prompt', async () => {
      let conversationId: string | undefined;
      let last = '';
      for (const question of ['q1', 'q2', 'q3']) {
        const { conversation, answer } = await jane.ask(question, { stream: false, conversationId });
        [conversationId, last] = [conversation.id, answer.id];
        await settled();
      }
      expect((await jane.conversation(conversationId!)).messagesSinceContextUpdate).toBe(0);
      server.provider.answer = () => ['Other'];
      await regenerate(last);
      expect(lastPrompt()).toEqual(['q3']);
      expect((await jane.conversation(conversationId!)).messagesSinceContextUpdate).toBe(2);
      await jane.ask('q4', { stream: false, conversationId });
      expect(lastPrompt()).toEqual(['q3', 'Other', 'q4']);
    });

    test('discards a metadata update that was made from the old answer', async () => {
      const gate = Promise.withResolvers<void>();
      server.provider.structured = async (name) =>
        name === 'conversation_title' ? { title: 'T' } : (await gate.promise, METADATA);
      const updates = () =>
        server.provider.structuredRequests.filter(
          ({ response_format: format }) => format?.json_schema?.name === 'conversation_metadata',
        );
      let conversationId: string | undefined;
      let last = '';
      for (const question of ['q1', 'q2', 'q3']) {
        const { conversation, answer } = await jane.ask(question, { stream: false, conversationId });
        [conversationId, last] = [conversation.id, answer.id];
      }
      // The update is requested in parallel, from the messages at that time.
      while (updates().length === 0) await new Promise(setImmediate);
      const taken = server.provider.takeCall();
      const again = regenerate(last);
      const call = await taken;
      gate.resolve();
      call.delta('Other');
      FakeProvider.done(call);
      await again;
      await settled();
      const { messages } = JSON.parse(server.provider.structuredRequests.at(-1)!.messages[1]!.content) as {
        messages: { content: string }[];
      };
      expect(messages.at(-1)!.content).toBe('Other');
      expect(await jane.conversation(conversationId!)).toMatchObject({
        messagesSinceContextUpdate: 0,
        metadata: METADATA,
      });
    });
  });
});
