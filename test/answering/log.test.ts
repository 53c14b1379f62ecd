import { print } from 'graphql';
import { AskQuestionDocument, type AskQuestionMutation } from '../../client/src/generated/graphql.js';
import { FAKE_MODEL } from '../kit/fake-provider.js';
import { findLines } from '../kit/log-lines.js';
import { TestServer } from '../kit/server.js';

describe('the log of an answer', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start({ OPENAI_MAX_RETRIES: '1' });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const MS = expect.any(Number);

  test('the answer and its provider calls have the ids of the request, and no content', async () => {
    const jane = await server.user();
    const { data } = await jane.http.rawRequest<AskQuestionMutation>({
      query: print(AskQuestionDocument),
      variables: { input: { question: 'A secret question', stream: false } },
      requestHeaders: { 'x-request-id': 'from-the-client' },
    });
    const { answer, conversation } = data.askQuestion;
    await server.settled();
    const ids = {
      requestId: 'from-the-client',
      userId: jane.id,
      conversationId: conversation.id,
      answerId: answer.id,
    };
    const tokens = { promptTokens: 11, completionTokens: 7, estimated: false };
    expect(findLines(server, { event: 'answer' })).toEqual([
      {
        level: 30,
        time: MS,
        msg: 'Answer',
        event: 'answer',
        ...ids,
        model: FAKE_MODEL,
        status: 'COMPLETED',
        errorCode: null,
        finishReason: 'STOP',
        ...tokens,
        firstTextMs: MS,
        durationMs: MS,
      },
    ]);
    expect(findLines(server, { event: 'provider_call', purpose: 'answer' })).toEqual([
      {
        level: 30,
        time: MS,
        msg: 'Provider call',
        event: 'provider_call',
        ...ids,
        purpose: 'answer',
        model: FAKE_MODEL,
        attempts: 1,
        finishReason: 'STOP',
        ...tokens,
        firstTextMs: MS,
        durationMs: MS,
        outcome: 'ok',
      },
    ]);
    expect(findLines(server, { event: 'provider_call', purpose: 'conversation_title' })).toMatchObject([
      { ...ids, attempts: 1, promptTokens: 100, outcome: 'ok' },
    ]);
    const log = server.logged.join('');
    for (const content of ['secret question', 'You asked', 'A generated title', jane.email])
      expect(log).not.toContain(content);
  });

  test('a failed answer is a warning with its code, the attempts and the error of the provider', async () => {
    const jane = await server.user();
    const calls = [server.provider.takeCall(), server.provider.takeCall()];
    const { answer } = await jane.ask('Will you fail?');
    for (const call of calls) (await call).fail(500, { message: 'out of order' });
    await jane.follow(answer.id).rest();
    expect(findLines(server, { event: 'answer', answerId: answer.id })).toMatchObject([
      { level: 40, status: 'FAILED', errorCode: 'PROVIDER_UNAVAILABLE', firstTextMs: null },
    ]);
    expect(findLines(server, { event: 'provider_call', purpose: 'answer' })).toMatchObject([
      { level: 40, answerId: answer.id, attempts: 2, outcome: 'PROVIDER_UNAVAILABLE', err: { type: 'ModelError' } },
    ]);
  });

  test('a stopped answer is not a warning', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Stop me');
    (await taken).delta('So far');
    const follower = jane.follow(answer.id);
    await follower.until('So far');
    await jane.request('mutation ($id: ID!) { stopAnswer(input: { answerId: $id }) { id } }', { id: answer.id });
    expect(findLines(server, { event: 'answer', answerId: answer.id })).toMatchObject([
      { level: 30, status: 'STOPPED', errorCode: null },
    ]);
    expect(findLines(server, { event: 'provider_call', purpose: 'answer' })).toMatchObject([
      { level: 30, outcome: 'aborted' },
    ]);
  });

  test('a rejected API key is an error', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Hello?');
    (await taken).fail(401, { message: 'Incorrect API key provided', code: 'invalid_api_key' });
    await jane.follow(answer.id).rest();
    expect(findLines(server, { event: 'provider_call', purpose: 'answer' })).toMatchObject([
      { level: 50, answerId: answer.id, outcome: 'PROVIDER_REJECTED' },
    ]);
  });
});
