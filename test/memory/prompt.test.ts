import { fit } from '../../src/memory/prompt.service.js';
import { ModelError, type PromptMessage } from '../../src/platform/model/chat-model.js';
import { countTokens } from '../../src/platform/model/tokens.js';
import { TestServer } from '../kit/server.js';

const say = (role: PromptMessage['role'], content: string): PromptMessage => ({ role, content });
const WORDS = 'word '.repeat(100).trim();
const history = Array.from({ length: 10 }, (_, i) => [
  say('user', `q${i} ${WORDS}`),
  say('assistant', `a${i} ${WORDS}`),
]).flat();
const metadata = { interests: ['tents'], summary: 'short' };

describe('fitting a prompt', () => {
  const contents = ({ messages }: { messages: PromptMessage[] }) =>
    messages.map(({ content }) => content.split(' ')[0]);

  test('everything, where there is room', () => {
    const prompt = fit('Instructions', metadata, [...history, say('user', 'now')], 100_000);
    expect(prompt.messages).toHaveLength(22);
    expect(prompt.messages[0]!.content).toContain('"tents"');
    expect(prompt.tokens).toBeGreaterThan(2_000);
  });

  test('the oldest exchanges give way first, whole, and never the metadata before them', () => {
    const prompt = fit('Instructions', metadata, [...history, say('user', 'now')], 700);
    expect(contents(prompt)).toEqual(['Instructions\n\nThe', 'q8', 'a8', 'q9', 'a9', 'now']);
    expect(prompt.tokens).toBeLessThanOrEqual(700);
  });

  test.each([30, 60, 100, 300, 500, 1_000, 2_000])('it holds to %d tokens', (limit) => {
    const prompt = fit('Instructions', metadata, [...history, say('user', 'now')], limit);
    expect(prompt.tokens).toBeLessThanOrEqual(limit);
    const counted = prompt.messages.reduce((sum, { content }) => sum + countTokens(content) + 4, 3);
    expect(Math.abs(counted - prompt.tokens)).toBeLessThanOrEqual(3);
    expect(contents(prompt).at(-1)).toBe('now');
  });

  test('metadata that does not fit is left out', () => {
    const large = { summary: WORDS };
    expect(contents(fit('Instructions', large, [say('user', 'now')], 60))).toEqual(['Instructions', 'now']);
  });

  test('a question that alone does not fit is CONTEXT_TOO_LONG', () => {
    expect(() => fit('Instructions', null, [say('user', WORDS)], 100)).toThrow(
      expect.objectContaining({ constructor: ModelError, code: 'CONTEXT_TOO_LONG' }),
    );
  });
});

describe('counting tokens', () => {
  test.each([
    ['', 0],
    ['hello world', 2],
    ['<|endoftext|>', 7],
  ])('%j has %d', (text, tokens) => expect(countTokens(text)).toBe(tokens));

  test('the longest question of the worst kind is counted in a fraction of what it would take at once', () => {
    const took = (text: string) => {
      const began = performance.now();
      expect(countTokens(text)).toBeGreaterThan(0);
      return performance.now() - began;
    };
    const sixteenth = took('🌱'.repeat(2_000));
    // Counted in one piece the time grows with the square: some 256 times as much for 16 times the length.
    expect(took('🌱'.repeat(32_000)) / sixteenth).toBeLessThan(64);
    expect(took(' '.repeat(32_000))).toBeGreaterThanOrEqual(0);
  });

  test('cutting long runs counts hardly more than the whole', () => {
    const run = 'Donaudampfschifffahrtsgesellschaftskapitän'.repeat(3);
    expect(countTokens(run)).toBeLessThan(countTokens('Donaudampfschifffahrtsgesellschaftskapitän') * 3 + 6);
  });
});

test('CONTEXT_TOO_LONG is told before the provider is asked', async () => {
  await using server = await TestServer.start({ CONTEXT_TOKENS: '600' });
  const jane = await server.user();
  const { answer, conversation } = await jane.ask(WORDS.repeat(10), { stream: false });
  expect(answer).toMatchObject({
    status: 'FAILED',
    usage: null,
    error: { code: 'CONTEXT_TOO_LONG', retryable: false },
  });
  expect(server.provider.requests).toHaveLength(0);
  expect((await jane.ask('Shorter', { conversationId: conversation.id, stream: false })).answer.status).toBe(
    'COMPLETED',
  );
  expect(server.provider.requests[0]!.messages.map(({ content }) => content).slice(1)).toEqual(['Shorter']);
});
