import { Conversation } from '../conversations/conversation.entity.js';
import { Message } from '../messages/message.entity.js';
import { MessageRole, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/database.js';
import { ModelError, type PromptMessage } from '../platform/model/chat-model.js';
import { countTokens, TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT } from '../platform/model/tokens.js';
import { memorySection } from './instructions.js';

export interface Prompt {
  messages: PromptMessage[];
  /** As counted here; the provider's own count may differ a little. */
  tokens: number;
}

/** Puts together what the model is asked. */
export class PromptService {
  constructor(
    private readonly instructions: string,
    /** The most tokens of a prompt. */
    private readonly contextTokens: number,
  ) {}

  /**
   * The instructions, the metadata, the messages that are not yet in it, and the question that the answer replies to.
   * What does not fit gives way from the oldest exchange on.
   * @param answer by its place, since it need not be read
   * @throws ModelError CONTEXT_TOO_LONG for a question that does not fit by itself.
   */
  async promptFor(em: EntityManager, answer: { conversationId: string; position: number }): Promise<Prompt> {
    const conversation = await em.findOneOrFail(Conversation, { id: answer.conversationId });
    const messages = await em.find(
      Message,
      {
        conversation: conversation.id,
        position: { $gte: conversation.coveredPosition, $lt: answer.position },
        status: { $ne: MessageStatus.STREAMING },
      },
      { orderBy: { position: 'asc' }, fields: ['role', 'content'] },
    );
    const turns = messages.map(({ role, content }) => ({ role: ROLES[role], content }));
    return fit(this.instructions, conversation.metadata, turns, this.contextTokens);
  }
}

const ROLES = { [MessageRole.USER]: 'user', [MessageRole.ASSISTANT]: 'assistant' } as const;

/**
 * Fits a prompt into `limit` tokens: the question, which is the last turn, and the instructions always; then the
 * metadata; then the exchanges, from the newest back.
 */
export function fit(instructions: string, metadata: unknown, turns: readonly PromptMessage[], limit: number): Prompt {
  const memory = metadata ? memorySection(metadata) : '';
  const question = turns.at(-1);
  const tokensOf = (text: string) => countTokens(text) + TOKENS_PER_MESSAGE;

  let tokens = TOKENS_PER_PROMPT + tokensOf(instructions) + tokensOf(question?.content ?? '');
  if (tokens > limit) throw new ModelError('CONTEXT_TOO_LONG', `the question alone makes ${tokens} tokens of ${limit}`);

  const memoryTokens = memory === '' ? 0 : countTokens(`\n\n${memory}`);
  const remembers = memory !== '' && tokens + memoryTokens <= limit;
  if (remembers) tokens += memoryTokens;

  const kept: PromptMessage[] = [];
  for (const exchange of exchangesOf(turns.slice(0, -1)).toReversed()) {
    const cost = exchange.reduce((sum, { content }) => sum + tokensOf(content), 0);
    if (tokens + cost > limit) break;
    tokens += cost;
    kept.unshift(...exchange);
  }
  const system: PromptMessage = { role: 'system', content: remembers ? `${instructions}\n\n${memory}` : instructions };
  return { messages: alternating([system, ...kept, ...(question ? [question] : [])]), tokens };
}

/** Each question with what follows it until the next one. */
function exchangesOf(turns: readonly PromptMessage[]): PromptMessage[][] {
  const exchanges: PromptMessage[][] = [];
  for (const turn of turns) {
    if (turn.content === '') continue;
    if (turn.role === 'user' || exchanges.length === 0) exchanges.push([turn]);
    else exchanges.at(-1)!.push(turn);
  }
  return exchanges;
}

/**
 * Joins neighbours of one role, such as questions whose answers failed before their first token: many chat templates
 * of open models insist on turns.
 */
function alternating(messages: readonly PromptMessage[]): PromptMessage[] {
  const turns: PromptMessage[] = [];
  for (const { role, content } of messages) {
    const last = turns.at(-1);
    if (last?.role === role) last.content += `\n\n${content}`;
    else turns.push({ role, content });
  }
  return turns;
}
