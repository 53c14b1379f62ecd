import { RegenerateAnswerDocument, RenameConversationDocument } from '../../client/src/generated/graphql.js';
import { toProvisionalTitle } from '../../src/conversations/provisional-title.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('titles', () => {
  let server: TestServer;
  let jane: ApiClient;
  beforeEach(async () => {
    server = await TestServer.start();
    jane = await server.user();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const settled = () => server.settled();
  /** The questions for which a title was requested. */
  const titles = () =>
    server.provider.structuredRequests
      .filter(({ response_format: f }) => f?.json_schema?.name === 'conversation_title')
      .map(({ messages }) => messages.at(-1)!.content);

  test('are the beginning of the first question, then generated once', async () => {
    const { conversation } = await jane.ask('Hello, I am looking for a tent', { stream: false });
    expect(['Hello, I am looking for a tent', 'A generated title']).toContain(conversation.title);
    await settled();
    expect((await jane.conversation(conversation.id)).title).toBe('A generated title');
    await jane.ask('And a stove', { stream: false, conversationId: conversation.id });
    await settled();
    expect(titles()).toHaveLength(1);
  });

  test('never delay the answer', async () => {
    const gate = Promise.withResolvers<object>();
    server.provider.structured = () => gate.promise;
    const { answer, conversation } = await jane.ask('Quick!', { stream: false });
    expect(answer.status).toBe('COMPLETED');
    expect(conversation.title).toBe('Quick!');
    gate.resolve({ title: 'Slow title' });
    await settled();
    expect((await jane.conversation(conversation.id)).title).toBe('Slow title');
  });

  test('are requested in parallel with the answer, after its first text', async () => {
    const titled = Promise.withResolvers<void>();
    server.provider.structured = () => (titled.resolve(), { title: 'Parallel' });
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Both at once');
    const call = await taken;
    call.reasoning('Hm');
    await jane.ask('Another conversation', { stream: false });
    await titled.promise;
    expect(titles()).toEqual(['Another conversation']);
    call.delta('Done');
    await jane.follow(answer.id).until('Done');
    await server.settled();
    expect(titles()).toEqual(['Another conversation', 'Both at once']);
    FakeProvider.done(call);
  });

  test('are requested with the first answer that has text', async () => {
    const taken = server.provider.takeCall();
    const asked = jane.ask('Twice', { stream: false });
    (await taken).fail(500, { message: 'x' });
    const { answer, conversation } = await asked;
    await settled();
    expect(titles()).toEqual([]);
    for (let i = 0, answerId = answer.id; i < 2; i += 1) {
      const again = await jane.request(RegenerateAnswerDocument, { input: { answerId, stream: false } });
      answerId = again.regenerateAnswer.answer.id;
      await settled();
    }
    expect(titles()).toEqual(['Twice']);
    expect((await jane.conversation(conversation.id)).title).toBe('A generated title');
  });

  test('set by the user are not replaced', async () => {
    const gate = Promise.withResolvers<object>();
    server.provider.structured = () => gate.promise;
    const { conversation } = await jane.ask('Name me', { stream: false });
    await jane.request(RenameConversationDocument, { input: { id: conversation.id, title: 'Mine' } });
    gate.resolve({ title: 'Theirs' });
    await settled();
    expect((await jane.conversation(conversation.id)).title).toBe('Mine');
  });

  test.each<[string, () => unknown]>([
    [
      'an error',
      () => {
        throw new Error();
      },
    ],
    ['no title', () => ({ name: 'x' })],
    ['an empty title', () => ({ title: ' "" ' })],
  ])('stay provisional after %s', async (_what, structured) => {
    server.provider.structured = structured;
    const { conversation, answer } = await jane.ask('Provisional', { stream: false });
    await settled();
    expect(answer.status).toBe('COMPLETED');
    expect((await jane.conversation(conversation.id)).title).toBe('Provisional');
  });

  test('a generated title that is too long is cut between graphemes', async () => {
    server.provider.structured = () => ({ title: `${'x'.repeat(118)}👩‍👩‍👧` });
    const { conversation } = await jane.ask('Provisional', { stream: false });
    await settled();
    expect((await jane.conversation(conversation.id)).title).toBe('x'.repeat(118));
  });

  test.each([
    ['"Tents for two"', 'Tents for two'],
    ['„Zelte für zwei“', 'Zelte für zwei'],
    ['「两人帐篷」', '两人帐篷'],
    ['“‘Nested’”', 'Nested'],
    ['The meaning of “hygge”', 'The meaning of “hygge”'],
    ['“Hygge” and “lagom”', '“Hygge” and “lagom”'],
    ['"Hygge" and "lagom"', '"Hygge" and "lagom"'],
    ["Travellers' tents", "Travellers' tents"],
    ['A pipe of 5"', 'A pipe of 5"'],
    ['Two\n lines\u0007', 'Two lines'],
  ])('the generated title %j is stored as %j', async (title, stored) => {
    server.provider.structured = () => ({ title });
    const { conversation } = await jane.ask('Provisional', { stream: false });
    await settled();
    expect((await jane.conversation(conversation.id)).title).toBe(stored);
  });

  test.each([
    ['short', 'short'],
    ['  two\n\nlines\t ', 'two lines'],
    ['word '.repeat(30), 'word word word word word word word word word word word…'],
    ['x'.repeat(100), `${'x'.repeat(59)}…`],
    ['🌱'.repeat(100), `${'🌱'.repeat(59)}…`],
    ['👩‍👩‍👧'.repeat(20), `${'👩‍👩‍👧'.repeat(14)}…`],
    [`${'x'.repeat(58)}🇩🇪🇫🇷🇮🇹`, `${'x'.repeat(58)}🇩🇪…`],
    ['한'.normalize('NFD').repeat(61), `${'한'.normalize('NFD').repeat(39)}…`],
  ])('shorten the question %j', (question, title) => expect(toProvisionalTitle(question)).toBe(title));
});
