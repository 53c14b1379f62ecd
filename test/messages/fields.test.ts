import { AskQuestionDocument, RegenerateAnswerDocument } from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { captureQueries } from '../kit/queries.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

interface Fields {
  id: string;
  position: number;
  requestId: string | null;
  replaces: { id: string; position: number; requestId: string | null } | null;
}

describe('fields of messages', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  const read = async (client: ApiClient, id: string): Promise<Fields[]> => {
    const query = `query ($id: ID!) { conversation(id: $id) { messages { nodes {
      id position requestId replaces { id position requestId } } } } }`;
    const { conversation } = await client.request<{ conversation: { messages: { nodes: Fields[] } } }>(query, { id });
    return conversation.messages.nodes;
  };

  test('position counts from 0, and an answer keeps the place of the one that it replaced', async () => {
    const jane = await server.user();
    const first = await jane.ask('One', { stream: false, requestId: 'r1' });
    const { id } = first.conversation;
    const second = await jane.ask('Two', { stream: false, conversationId: id });
    const { regenerateAnswer } = await jane.request(RegenerateAnswerDocument, {
      input: { answerId: second.answer.id, stream: false, requestId: 'r2' },
    });
    const old = { id: second.answer.id, position: 3, requestId: null };
    expect(await read(jane, id)).toEqual([
      { id: first.question.id, position: 0, requestId: 'r1', replaces: null },
      { id: first.answer.id, position: 1, requestId: 'r1', replaces: null },
      { id: second.question.id, position: 2, requestId: null, replaces: null },
      { id: regenerateAnswer.answer.id, position: 3, requestId: 'r2', replaces: old },
    ]);
  });

  test('a repeated request returns the messages with its request id', async () => {
    const jane = await server.user();
    const input = { question: 'Once', requestId: 'x'.repeat(64), stream: false };
    await jane.request(AskQuestionDocument, { input });
    const { askQuestion } = await jane.request(AskQuestionDocument, { input });
    const messages = await read(jane, askQuestion.conversation.id);
    expect(messages.map(({ requestId }) => requestId)).toEqual([input.requestId, input.requestId]);
  });

  test('a list with all fields takes as many queries for 8 messages as for 4', async () => {
    const jane = await server.user();
    let conversationId: string | undefined;
    const ask = async () => {
      const { conversation, answer } = await jane.ask('Again', { stream: false, conversationId });
      conversationId = conversation.id;
      await jane.request(RegenerateAnswerDocument, { input: { answerId: answer.id, stream: false } });
    };
    const count = async () => (await captureQueries(server, () => read(jane, conversationId!))).length;
    await ask();
    await ask();
    await server.settled();
    const ofFour = await count();
    await ask();
    await ask();
    await server.settled();
    expect(await count()).toBe(ofFour);
  });

  test('excerpt is the text so far of an answer that is being generated', async () => {
    const jane = await server.user();
    const excerpt = async (id: string, length?: number) => {
      const query = 'query ($id: ID!, $length: Int! = 120) { message(id: $id) { excerpt(length: $length) } }';
      return (await jane.request<{ message: { excerpt: string } }>(query, { id, length })).message.excerpt;
    };
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('In a list');
    const call = await taken;
    call.delta('## Tents\n\n- **Vega');
    await jane.follow(answer.id).until('## Tents\n\n- **Vega');
    expect(await excerpt(answer.id)).toBe('Tents **Vega');
    call.delta('** for two');
    FakeProvider.done(call);
    await jane.follow(answer.id).rest();
    expect(await excerpt(answer.id)).toBe('Tents Vega for two');
    expect(await excerpt(answer.id, 6)).toBe('Tents');
    for (const length of [0, -1, 1_001]) {
      const [error] = await jane.getErrors(
        'query ($id: ID!, $length: Int! = 120) { message(id: $id) { excerpt(length: $length) } }',
        { id: answer.id, length },
      );
      expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { length: expect.any(String) } });
    }
  });
});
