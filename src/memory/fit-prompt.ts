import { ModelError, type PromptMessage } from '../platform/model/chat-model.js';
import { countTokens, TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT } from '../platform/model/tokens.js';
import { formatMemorySection } from './memory-section.js';

export interface Prompt {
  messages: PromptMessage[];
  /** As counted here; the provider's count may differ slightly. */
  tokens: number;
}

/**
 * Fits a prompt into `limit` tokens: always the instructions and the required turns; then the metadata; then whole
 * exchanges of the history, the newest first.
 * @param required the question; if an answer is continued, also its text, which may be shortened to its end
 * @throws ModelError CONTEXT_TOO_LONG if the instructions and the required turns do not fit.
 */
export function fitPrompt(
  instructions: string,
  metadata: unknown,
  history: readonly PromptMessage[],
  required: readonly PromptMessage[],
  limit: number,
): Prompt {
  const memory = metadata ? formatMemorySection(metadata) : '';
  const instructionTokens = TOKENS_PER_PROMPT + countMessage(instructions);
  const end = shortenAnswers(required, limit - instructionTokens);

  let tokens = instructionTokens + countTurns(end);
  if (tokens > limit)
    throw new ModelError(
      'CONTEXT_TOO_LONG',
      `The instructions and the question have ${tokens} tokens; the limit is ${limit}.`,
    );

  const memoryTokens = memory === '' ? 0 : countTokens(`\n\n${memory}`);
  const includesMemory = memory !== '' && tokens + memoryTokens <= limit;
  if (includesMemory) tokens += memoryTokens;

  const included: PromptMessage[] = [];
  for (const exchange of groupIntoExchanges(history).toReversed()) {
    const cost = countTurns(exchange);
    if (tokens + cost > limit) break;
    tokens += cost;
    included.unshift(...exchange);
  }
  const system = { role: 'system', content: includesMemory ? `${instructions}\n\n${memory}` : instructions } as const;
  return { messages: mergeConsecutiveRoles([system, ...included, ...end]), tokens };
}

const countMessage = (text: string): number => countTokens(text) + TOKENS_PER_MESSAGE;

const countTurns = (turns: readonly PromptMessage[]): number =>
  turns.reduce((sum, { content }) => sum + countMessage(content), 0);

/** Halves the answers among the turns, so that their ends remain, until all turns have at most `limit` tokens. */
function shortenAnswers(turns: readonly PromptMessage[], limit: number): readonly PromptMessage[] {
  let shortened = turns;
  while (countTurns(shortened) > limit && shortened.some(isShortenable)) {
    shortened = shortened.map((turn) =>
      isShortenable(turn) ? { ...turn, content: turn.content.slice(turn.content.length / 2).toWellFormed() } : turn,
    );
  }
  return shortened;
}

/** An answer shorter than this, in UTF-16 code units, does not show how it goes on. */
const MIN_ANSWER_LENGTH = 200;

const isShortenable = ({ role, content }: PromptMessage): boolean =>
  role === 'assistant' && content.length > MIN_ANSWER_LENGTH;

/** Groups each question with the messages up to the next question; leaves out messages without text. */
function groupIntoExchanges(turns: readonly PromptMessage[]): PromptMessage[][] {
  const exchanges: PromptMessage[][] = [];
  for (const turn of turns) {
    if (turn.content === '') continue;
    if (turn.role === 'user' || exchanges.length === 0) exchanges.push([turn]);
    else exchanges.at(-1)!.push(turn);
  }
  return exchanges;
}

/**
 * Merges consecutive messages of one role, such as questions whose answers failed before their first token: the chat
 * templates of many open models require alternating roles.
 */
function mergeConsecutiveRoles(messages: readonly PromptMessage[]): PromptMessage[] {
  const merged: PromptMessage[] = [];
  for (const { role, content } of messages) {
    const last = merged.at(-1);
    if (last?.role === role) last.content += `\n\n${content}`;
    else merged.push({ role, content });
  }
  return merged;
}
