import { countTokens as countAsOne } from 'gpt-tokenizer/encoding/o200k_base';
import { fitPrompt } from '../../src/memory/fit-prompt.js';
import { ModelError, type PromptMessage } from '../../src/platform/model/chat-model.js';
import { countTokens } from '../../src/platform/model/tokens.js';
import { TestServer } from '../kit/server.js';

const say = (role: PromptMessage['role'], content: string): PromptMessage => ({ role, content });
const WORDS = 'word '.repeat(100).trim();
const history = Array.from({ length: 10 }, (_, i) => [
  say('user', `q${i} ${WORDS}`),
  say('assistant', `a${i} ${WORDS}`),
]).flat();
const NOW = [say('user', 'now')];
const metadata = { interests: ['tents'], summary: 'short' };

describe('fitPrompt', () => {
  const contents = ({ messages }: { messages: PromptMessage[] }) =>
    messages.map(({ content }) => content.split(' ')[0]);

  test('includes everything if it fits', () => {
    const prompt = fitPrompt('Instructions', metadata, history, NOW, 100_000);
    expect(prompt.messages).toHaveLength(22);
    expect(prompt.messages[0]!.content).toContain('"tents"');
    expect(prompt.tokens).toBeGreaterThan(2_000);
  });

  test('leaves out the oldest exchanges as a whole, and keeps the metadata', () => {
    const prompt = fitPrompt('Instructions', metadata, history, NOW, 700);
    expect(contents(prompt)).toEqual(['Instructions\n\nThe', 'q8', 'a8', 'q9', 'a9', 'now']);
    expect(prompt.tokens).toBeLessThanOrEqual(700);
  });

  test.each([30, 60, 100, 300, 500, 1_000, 2_000])('keeps the limit of %d tokens', (limit) => {
    const prompt = fitPrompt('Instructions', metadata, history, NOW, limit);
    expect(prompt.tokens).toBeLessThanOrEqual(limit);
    const counted = prompt.messages.reduce((sum, { content }) => sum + countTokens(content) + 4, 3);
    expect(Math.abs(counted - prompt.tokens)).toBeLessThanOrEqual(3);
    expect(contents(prompt).at(-1)).toBe('now');
  });

  test('leaves out metadata that does not fit', () => {
    const large = { summary: WORDS };
    expect(contents(fitPrompt('Instructions', large, [], NOW, 60))).toEqual(['Instructions', 'now']);
  });

  test('keeps the end of an answer that is continued', () => {
    const answer = Array.from({ length: 2_000 }, (_, i) => `w${i}`).join(' ');
    const required = [...NOW, say('assistant', answer), say('user', 'Continue.')];
    const { messages, tokens } = fitPrompt('Instructions', metadata, history, required, 700);
    expect(tokens).toBeLessThanOrEqual(700);
    expect(messages.at(-2)!.content.endsWith('w1998 w1999')).toBe(true);
    expect(messages.at(-2)!.content.length).toBeGreaterThan(500);
  });

  test('throws CONTEXT_TOO_LONG if the question alone does not fit', () => {
    expect(() => fitPrompt('Instructions', null, [], [say('user', WORDS)], 100)).toThrow(
      expect.objectContaining({ constructor: ModelError, code: 'CONTEXT_TOO_LONG' }),
    );
  });
});

describe('countTokens', () => {
  test.each([
    ['', 0],
    ['hello world', 2],
    ['<|endoftext|>', 7],
  ])('counts %j as %d', (text, tokens) => expect(countTokens(text)).toBe(tokens));

  test('counts a long run in pieces, so that the time does not grow with the square of its length', () => {
    // 64 characters. As one run, tokens go over the seams.
    const piece = `ing${'abcdefghij'.repeat(5)}nothingncom`;
    const run = piece.repeat(10);
    expect(countAsOne(run)).not.toBe(10 * countAsOne(piece));
    expect(countTokens(run)).toBe(10 * countTokens(piece));
    expect(countTokens(' '.repeat(32_000))).toBe(500 * countTokens(' '.repeat(64)));
    expect(countTokens('🌱'.repeat(32_000))).toBe(1_000 * countTokens('🌱'.repeat(32)));
  });

  test('overestimates long runs only slightly by splitting them', () => {
    const run = 'Donaudampfschifffahrtsgesellschaftskapitän'.repeat(3);
    expect(countTokens(run)).toBeLessThan(countTokens('Donaudampfschifffahrtsgesellschaftskapitän') * 3 + 6);
  });
});

test('an answer fails with CONTEXT_TOO_LONG before the provider is called', async () => {
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
