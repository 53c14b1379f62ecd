import { jest } from '@jest/globals';
import { CallScheduler, type ScheduledCall } from '../../src/platform/model/call-scheduler.js';
import type { ChatModel, CompletionUsage, PromptMessage } from '../../src/platform/model/chat-model.js';
import { ScheduledChatModel } from '../../src/platform/model/scheduled-chat-model.js';
import { estimateUsage } from '../../src/platform/model/usage.js';

const PATIENCE_MS = 1_000;
const SIGNAL = new AbortController().signal;

/** A call that runs until the test ends it, or until it is dropped. */
interface Running {
  call: ScheduledCall;
  end: () => void;
}

describe('a background call beside an answer', () => {
  let scheduler: CallScheduler;
  let dropped: number;
  let background: Running[];
  beforeEach(() => {
    jest.useFakeTimers();
    dropped = 0;
    background = [];
    scheduler = new CallScheduler({ concurrency: null, background: 1, patienceMs: PATIENCE_MS }, () => (dropped += 1));
  });
  afterEach(() => jest.useRealTimers());

  const wait = (call: ScheduledCall, started: (running: Running) => void) =>
    new Promise<void>((resolve, reject) => {
      call.signal.addEventListener('abort', () => reject(call.signal.reason as Error));
      started({ call, end: resolve });
    });
  async function startAnswer(): Promise<Running> {
    const started = Promise.withResolvers<Running>();
    void scheduler.runAnswer('jane', SIGNAL, (call) => wait(call, started.resolve));
    return await started.promise;
  }
  async function startBackgroundCall(): Promise<void> {
    void scheduler.runBackground(
      'jane',
      SIGNAL,
      (call) => wait(call, (running) => background.push(running)),
      () => {},
    );
    await jest.advanceTimersByTimeAsync(0);
  }
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  /** Lets calls have output in two consecutive seconds. */
  async function stream(calls: readonly Running[]): Promise<void> {
    for (let i = 0; i < 2; i += 1) {
      for (const { call } of calls) call.onOutput();
      await pass(1_000);
    }
  }

  test('is dropped if the answer is silent, as at a server with a single slot, and made again after it', async () => {
    await startBackgroundCall();
    await stream(background);
    const answer = await startAnswer();
    await pass(PATIENCE_MS - 1);
    expect(dropped).toBe(0);
    await pass(1);
    expect(dropped).toBe(1);
    expect(background).toHaveLength(1);
    answer.call.onOutput();
    await pass(0);
    expect(background).toHaveLength(2);
  });

  test('runs on if the provider has served two calls at once', async () => {
    const [first, second] = [await startAnswer(), await startAnswer()];
    await stream([first, second]);
    second.end();
    await startBackgroundCall();
    first.end();
    await startAnswer();
    await pass(10 * PATIENCE_MS);
    expect(dropped).toBe(0);
    expect(background).toHaveLength(1);
  });

  test('is dropped beside two answers if the provider has served no more than two calls at once', async () => {
    const [first, second] = [await startAnswer(), await startAnswer()];
    await stream([first, second]);
    second.end();
    await startBackgroundCall();
    await startAnswer();
    await pass(PATIENCE_MS);
    expect(dropped).toBe(1);
  });

  test('is dropped if calls were served only one after the other', async () => {
    const [first, second] = [await startAnswer(), await startAnswer()];
    await stream([first]);
    first.end();
    await stream([second]);
    second.end();
    await startBackgroundCall();
    await startAnswer();
    await pass(PATIENCE_MS);
    expect(dropped).toBe(1);
  });

  test('is dropped if the output of two calls touched within one second only', async () => {
    const [first, second] = [await startAnswer(), await startAnswer()];
    // The first one ends, and the second one begins, in the same second.
    await stream([first]);
    for (const { call } of [first, second]) call.onOutput();
    first.end();
    await pass(1_000);
    await stream([second]);
    second.end();
    await startBackgroundCall();
    await startAnswer();
    await pass(PATIENCE_MS);
    expect(dropped).toBe(1);
  });

  test('begins beside a silent answer only if the provider has served two calls at once', async () => {
    const [first, second] = [await startAnswer(), await startAnswer()];
    await startBackgroundCall();
    expect(background).toHaveLength(0);
    await stream([first, second]);
    second.end();
    first.end();
    await pass(0);
    background[0]!.end();
    await startAnswer();
    await startBackgroundCall();
    expect(background).toHaveLength(2);
  });
});

test('the cost of a dropped call is estimated and added to that of the next one', async () => {
  const prompt: PromptMessage[] = [{ role: 'user', content: 'Summarise the conversation.' }];
  const usage: CompletionUsage = { promptTokens: 100, completionTokens: 10, estimated: false };
  const completion = { model: 'm', finishReason: 'STOP' as const, toolCalls: [], usage };
  const began = Promise.withResolvers<void>();
  const stream: ChatModel['stream'] = async () => completion;
  let attempts = 0;
  const model: ChatModel = {
    maxPromptTokens: null,
    stream,
    structured: async <T>(
      ...[, , { signal, onOutput }]: Parameters<ChatModel['structured']>
    ): Promise<typeof completion & { value: T }> => {
      attempts += 1;
      if (attempts > 1) return { ...completion, value: 'value' as T };
      onOutput!('{"interests": ["tents"');
      began.resolve();
      return await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
  };
  const limits = { concurrency: 1, background: 1, patienceMs: PATIENCE_MS };
  const scheduled = new ScheduledChatModel(model, new CallScheduler(limits, () => {}));
  const format = { name: 'x', schema: undefined as never };
  const updated = scheduled.structured(prompt, format, { signal: SIGNAL });
  await began.promise;
  await scheduled.stream(prompt, { signal: SIGNAL, onText: () => {}, onReasoning: () => {} });
  const estimate = estimateUsage(prompt, '{"interests": ["tents"');
  expect(estimate.completionTokens).toBeGreaterThan(3);
  expect(await updated).toMatchObject({
    value: 'value',
    usage: {
      promptTokens: 100 + estimate.promptTokens,
      completionTokens: 10 + estimate.completionTokens,
      estimated: true,
    },
  });
});
