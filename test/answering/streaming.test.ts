import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

describe('streaming an answer', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test('streams an answer from the question to the stored message', async () => {
    const jane = await server.user({ name: 'Jane' });
    const taken = server.provider.takeCall();
    const { conversation, question, answer } = await jane.ask('What is a delta?');
    expect(question).toMatchObject({
      role: 'USER',
      content: 'What is a delta?',
      status: 'COMPLETED',
      finishedAt: null,
    });
    expect(answer).toMatchObject({ role: 'ASSISTANT', content: '', status: 'STREAMING', error: null, usage: null });
    expect(conversation.title).toBe('What is a delta?');

    const call = await taken;
    expect(call.request).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    const follower = jane.follow(answer.id);
    call.delta('A ');
    await follower.until('A ');
    expect((await jane.message(answer.id)).content).toBe('A ');
    call.delta('difference.');
    await follower.until('A difference.');
    FakeProvider.done(call);

    const events = await follower.rest();
    expect(events).toHaveLength(3);
    expect(follower.finished).toMatchObject({
      id: answer.id,
      status: 'COMPLETED',
      content: 'A difference.',
      error: null,
      model: 'fake-1',
      usage: { promptTokens: 11, completionTokens: 7, totalTokens: 18, estimated: false },
    });
    const stored = await jane.message(answer.id);
    expect(stored).toMatchObject(follower.finished!);
    expect(stored.inReplyTo?.id).toBe(question.id);
    expect((await jane.conversation(conversation.id)).messages.nodes.map(({ content }) => content)).toEqual([
      'What is a delta?',
      'A difference.',
    ]);
  });

  test('delivers each token before the next one is generated', async () => {
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Count!');
    const follower = jane.follow(answer.id);
    const call = await taken;
    let text = '';
    for (const token of ['one', ' two', ' three', ' four']) {
      call.delta(token);
      text += token;
      await follower.until(text);
    }
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.all.slice(0, -1).map((event) => ('text' in event ? event.text : null))).toEqual([
      'one',
      ' two',
      ' three',
      ' four',
    ]);
  });
});
