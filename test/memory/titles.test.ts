import { RenameConversationDocument } from '../../src/client/generated/graphql.js';
import { provisionalTitle } from '../../src/conversations/provisional-title.js';
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

  test('the beginning of the first question at once, then a generated one, once', async () => {
    const { conversation } = await jane.ask('Hello, I am looking for a tent', { stream: false });
    expect(['Hello, I am looking for a tent', 'A generated title']).toContain(conversation.title);
    await settled();
    expect((await jane.conversation(conversation.id)).title).toBe('A generated title');
    await jane.ask('And a stove', { stream: false, conversationId: conversation.id });
    await settled();
    expect(
      server.provider.structuredRequests.filter(
        ({ response_format: f }) => f?.json_schema?.name === 'conversation_title',
      ),
    ).toHaveLength(1);
  });

  test('it never delays the answer', async () => {
    const gate = Promise.withResolvers<object>();
    server.provider.structured = () => gate.promise;
    const { answer, conversation } = await jane.ask('Quick!', { stream: false });
    expect(answer.status).toBe('COMPLETED');
    expect(conversation.title).toBe('Quick!');
    gate.resolve({ title: 'Slow title' });
    await settled();
    expect((await jane.conversation(conversation.id)).title).toBe('Slow title');
  });

  test('it is asked for in parallel with the answer', async () => {
    const titled = Promise.withResolvers<void>();
    server.provider.structured = () => (titled.resolve(), { title: 'Parallel' });
    const taken = server.provider.takeCall();
    await jane.ask('Both at once');
    const call = await taken;
    await titled.promise;
    call.delta('Done');
    FakeProvider.done(call);
  });

  test('a name that the user has given meanwhile stays', async () => {
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
    ['a title that is too long', () => ({ title: 'x'.repeat(121) })],
  ])('%s leaves the provisional one', async (_what, structured) => {
    server.provider.structured = structured;
    const { conversation, answer } = await jane.ask('Provisional', { stream: false });
    await settled();
    expect(answer.status).toBe('COMPLETED');
    expect((await jane.conversation(conversation.id)).title).toBe('Provisional');
  });

  test.each([
    ['short', 'short'],
    ['  two\n\nlines\t ', 'two lines'],
    ['word '.repeat(30), 'word word word word word word word word word word word…'],
    ['x'.repeat(100), `${'x'.repeat(59)}…`],
    ['🌱'.repeat(100), `${'🌱'.repeat(59)}…`],
  ])('the provisional title of %j', (question, title) => expect(provisionalTitle(question)).toBe(title));
});
