import { setTimeout as sleep } from 'node:timers/promises';
import { StopAnswerDocument } from '../../client/src/generated/graphql.js';
import type { ChatCompletionRequest } from '../../src/demo/openai-compatible-server.js';
import type { CompletionUsage } from '../../src/platform/model/chat-model.js';
import { estimateUsage } from '../../src/platform/model/usage.js';
import { FakeProvider, METADATA } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

/** Registers a user whose requests all go to one instance, because each instance schedules its own calls. */
async function createUser(server: TestServer): Promise<ApiClient & AsyncDisposable> {
  return server.client((await server.user()).accessToken, server.server.url);
}

const isMetadata = (name: string) => name === 'conversation_metadata';
const never = () => new Promise<never>(() => {});
async function* endless() {
  for (;;) {
    yield ' ';
    await sleep(100);
  }
}

async function readMetric(server: TestServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

describe('with a provider that has a single slot', () => {
  test.each<[string, () => unknown]>([
    ['never begin', never],
    ['never end', endless],
    [
      'fail',
      () => {
        throw new Error();
      },
    ],
  ])('seven answers are completed although titles and metadata %s', async (_what, structured) => {
    await using server = await TestServer.start({ OPENAI_TIMEOUT: '3s' });
    server.provider.slots = 1;
    server.provider.structured = structured;
    const jane = await createUser(server);
    let conversationId: string | undefined;
    for (let i = 0; i < 7; i += 1) {
      const { answer, conversation } = await jane.ask(`question ${i}`, { conversationId, stream: false });
      expect(answer).toMatchObject({ status: 'COMPLETED', content: `You asked: question ${i}` });
      conversationId = conversation.id;
    }
  });

  test('a dropped update is made again, and its cost is counted', async () => {
    await using server = await TestServer.start({ OPENAI_TIMEOUT: '3s', PROVIDER_CONCURRENCY: '1' });
    server.provider.slots = 1;
    const jane = await createUser(server);
    const OUTPUT = '{"interests": ["tents", "stoves"';
    const written = Promise.withResolvers<void>();
    const updates: ChatCompletionRequest[] = [];
    server.provider.structured = (name, request) => {
      if (!isMetadata(name)) return { title: 'T' };
      updates.push(request);
      return updates.length === 1 ? stall() : METADATA;
    };
    async function* stall() {
      yield OUTPUT;
      written.resolve();
      await never();
    }
    const { conversation } = await jane.ask('q1', { stream: false });
    const conversationId = conversation.id;
    // Otherwise an answer could take the place of the title.
    await server.settled();
    for (const question of ['q2', 'q3']) await jane.ask(question, { conversationId, stream: false });
    await written.promise;
    const { answer } = await jane.ask('q4', { conversationId, stream: false });
    expect(answer.status).toBe('COMPLETED');
    await server.settled();
    expect(updates).toHaveLength(2);
    expect((await jane.conversation(conversationId)).metadata).toEqual(METADATA);
    expect(await readMetric(server, 'parley_background_calls_dropped_total')).toBe(1);
    // Four answers, the title and the second update as reported; the first update as estimated.
    const dropped = estimateUsage(updates[0]!.messages, OUTPUT);
    const { usage } = await jane.request<{ usage: { usage: CompletionUsage } }>(
      '{ usage { usage { promptTokens completionTokens estimated } } }',
    );
    expect(usage.usage).toEqual({
      promptTokens: 4 * 11 + 2 * 100 + dropped.promptTokens,
      completionTokens: 4 * 7 + 2 * 10 + dropped.completionTokens,
      estimated: true,
    });
  });
});

describe('PROVIDER_CONCURRENCY', () => {
  test('bounds the calls at once, and the users take turns', async () => {
    await using server = await TestServer.start({ PROVIDER_CONCURRENCY: '1' });
    const titles = Promise.withResolvers<object>();
    server.provider.structured = () => titles.promise;
    const [jane, joe] = [await createUser(server), await createUser(server)];
    const taken = server.provider.takeCall();
    await jane.ask('jane 1');
    const first = await taken;
    await jane.ask('jane 2');
    await jane.ask('jane 3');
    const last = jane.ask('jane 4', { stream: false });
    const other = joe.ask('joe 1', { stream: false });
    while ((await readMetric(server, 'parley_answers_waiting')) < 4) await new Promise(setImmediate);
    expect(server.provider.requests).toHaveLength(1);
    first.delta('Done');
    FakeProvider.done(first);
    await Promise.all([last, other]);
    const questions = server.provider.requests.map(({ messages }) => messages.at(-1)!.content);
    expect(questions).toHaveLength(5);
    expect(questions.indexOf('joe 1')).toBeLessThan(questions.indexOf('jane 3'));
    titles.resolve({ title: 'T' });
  });

  test('an answer that waits can be stopped', async () => {
    await using server = await TestServer.start({ PROVIDER_CONCURRENCY: '1' });
    const jane = await createUser(server);
    const taken = server.provider.takeCall();
    await jane.ask('first');
    const call = await taken;
    const { answer } = await jane.ask('second');
    await jane.request(StopAnswerDocument, { input: { answerId: answer.id } });
    expect((await jane.message(answer.id)).status).toBe('STOPPED');
    expect(server.provider.requests).toHaveLength(1);
    FakeProvider.done(call);
  });
});

test.each([1, 2])('%d titles are requested at once with BACKGROUND_CALLS of that number', async (limit) => {
  await using server = await TestServer.start({ BACKGROUND_CALLS: String(limit) });
  const gate = Promise.withResolvers<object>();
  let running = 0;
  server.provider.structured = () => ((running += 1), gate.promise);
  const jane = await createUser(server);
  for (let i = 0; i < 3; i += 1) await jane.ask(`conversation ${i}`, { stream: false });
  while ((await readMetric(server, 'parley_background_calls_waiting')) < 3 - limit) await new Promise(setImmediate);
  expect(running).toBe(limit);
  gate.resolve({ title: 'T' });
  await server.settled();
  expect(running).toBe(3);
});

test('titles and metadata wait for the first text of an answer', async () => {
  await using server = await TestServer.start({ OPENAI_TIMEOUT: '20s' });
  const jane = await createUser(server);
  const taken = server.provider.takeCall();
  await jane.ask('silent');
  const call = await taken;
  await jane.ask('other', { stream: false });
  while ((await readMetric(server, 'parley_background_calls_waiting')) < 1) await new Promise(setImmediate);
  expect(server.provider.structuredRequests).toHaveLength(0);
  call.delta('Text');
  await server.settled();
  expect(server.provider.structuredRequests).toHaveLength(2);
  FakeProvider.done(call);
});

test('a title may take longer than OPENAI_TIMEOUT while its text grows', async () => {
  await using server = await TestServer.start({ OPENAI_TIMEOUT: '2s' });
  server.provider.structured = async function* () {
    for (const piece of ['{"title"', ': "Slow', ' but ', 'steady"}']) {
      await sleep(700);
      yield piece;
    }
  };
  const jane = await createUser(server);
  const { conversation } = await jane.ask('Slow', { stream: false });
  await server.settled();
  expect((await jane.conversation(conversation.id)).title).toBe('Slow but steady');
});
