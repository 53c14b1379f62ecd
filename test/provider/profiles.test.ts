import { StopAnswerDocument } from '../../client/src/generated/graphql.js';
import { METADATA } from '../kit/fake-provider.js';
import { readProfiles, startProfileProvider, TITLE } from '../kit/providers/profile-provider.js';
import type { RawProvider } from '../kit/raw-provider.js';
import { TestServer } from '../kit/server.js';
import { ApiClient } from '../kit/user.js';

const EXCHANGES = 12;

describe.each(readProfiles().map((profile) => [profile.name, profile] as const))('%s', (_name, profile) => {
  let provider: RawProvider;
  let server: TestServer;
  let jane: ApiClient;
  beforeAll(async () => {
    provider = await startProfileProvider(profile);
    // A server that loads its model is waited for.
    server = await TestServer.start({ OPENAI_BASE_URL: provider.baseUrl, OPENAI_TIMEOUT: '3s' });
    // One instance answers everything, because each learns for itself what the provider cannot do.
    jane = new ApiClient(server.server.url, (await server.user()).accessToken);
  });
  afterAll(async () => {
    await jane[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });

  test('twelve exchanges are answered, titled and remembered, with as few calls as by a perfect provider', async () => {
    let conversationId: string | undefined;
    let callsAtFirst = 0;
    for (let i = 0; i < EXCHANGES; i += 1) {
      const { conversation, answer } = await jane.ask(`question ${i}`, { conversationId, stream: false });
      conversationId = conversation.id;
      expect(answer).toMatchObject({
        status: 'COMPLETED',
        content: `You asked: question ${i}`,
        finishReason: 'STOP',
        usage: { estimated: !profile.reportsUsage },
      });
      await server.settled();
      // Everything that a provider cannot do has been found out by the first metadata update.
      if (i === 2) callsAtFirst = provider.bodies.length;
    }
    const { title, metadata } = await jane.conversation(conversationId!);
    expect(title).toBe(TITLE);
    expect(metadata).toMatchObject({ interests: METADATA.interests, summary: METADATA.summary });
    // Nine more answers and three more updates.
    expect(provider.bodies.length - callsAtFirst).toBe(EXCHANGES);
    // The memory takes the place of the history: the last prompt holds what followed the third update.
    expect(
      provider.bodies.findLast(({ messages }) => /question 11$/.test(messages.at(-1)!.content))!.messages.length,
    ).toBeLessThan(8);
  });

  test('an answer can be stopped and keeps its text', async () => {
    const { answer } = await jane.ask('wait');
    const follower = jane.follow(answer.id);
    await follower.until('You ask');
    await jane.request(StopAnswerDocument, { input: { answerId: answer.id } });
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'STOPPED', content: 'You ask' });
  });

  test.each(profile.errors.map(({ code, status }, i) => [status, code, i] as const))(
    'its error with status %d is %s',
    async (_status, code, i) => {
      const { answer } = await jane.ask(`fail ${i}`, { stream: false });
      expect(answer).toMatchObject({ status: 'FAILED', content: '', error: { code } });
    },
  );
});
