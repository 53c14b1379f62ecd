import { insertProductMarkers } from '../catalogue/product-marker.js';
import { findProductMentions } from '../catalogue/product-mentions.js';
import type { ConversationMetadata } from '../conversations/conversation-metadata.js';
import { toMetadata } from '../conversations/conversation.row.js';
import { MessageRole } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/orm.js';
import { PreparedQuery } from '../platform/db/prepared-query.js';
import type { ChatModel, PromptMessage } from '../platform/model/chat-model.js';
import { countTokens } from '../platform/model/tokens.js';
import type { TokenCount } from '../usage/token-ledger.js';
import { fitPrompt, type Prompt } from './fit-prompt.js';
import { CONTINUATION, SHOW_PRODUCTS } from './instructions.js';

const ROLES = { [MessageRole.USER]: 'user', [MessageRole.ASSISTANT]: 'assistant' } as const;

/** A prompt, and what it is about. */
export interface AnswerPrompt extends Prompt {
  question: string;
  /** What the metadata says that the user cares about. */
  interests: readonly string[];
}

const promptConversation = new PreparedQuery<
  [id: string],
  { metadata: string | ConversationMetadata | null; covered_position: number }
>('select metadata, covered_position from conversations where id = ?');

/** The finished messages in a range of positions. */
const promptMessages = new PreparedQuery<
  [conversationId: string, from: number, to: number],
  { id: string; role: MessageRole; content: string; product_count: number }
>(
  `select id, role, content, product_count from messages
   where conversation_id = ? and position >= ? and position < ? and status <> 'STREAMING' order by position`,
);

/** Builds the prompts from which answers are generated. */
export class PromptService {
  readonly #instructionTokens: number;

  constructor(
    private readonly instructions: string,
    /** The maximum number of tokens of a prompt. */
    private readonly contextTokens: number,
    private readonly model: ChatModel,
    /** The maximum number of tokens of an answer. */
    private readonly maxOutputTokens: number,
  ) {
    this.#instructionTokens = countTokens(instructions);
  }

  /** The maximum number of tokens of a prompt: what is configured, and what the model allows. */
  get maxTokens(): number {
    return Math.min(this.contextTokens, this.model.maxPromptTokens ?? Infinity);
  }

  /** Estimates the cost of a further call for an answer whose prompt is known. */
  estimateRound(promptTokens: number): TokenCount {
    return { promptTokens: Math.min(promptTokens, this.maxTokens), completionTokens: this.maxOutputTokens };
  }

  /** Estimates the largest cost of an answer without look-ups, without reading the history. */
  estimateTokens(question: string, { position }: { position: number | null }): TokenCount {
    const limit = this.maxTokens;
    const isFirst = position === 1;
    const promptTokens = isFirst ? Math.min(limit, this.#instructionTokens + countTokens(question)) : limit;
    return { promptTokens, completionTokens: this.maxOutputTokens };
  }

  /**
   * Builds the prompt from the instructions, the metadata, the messages that the metadata does not cover, and the
   * question. If they do not fit, the oldest exchanges are left out first.
   * @param answer its position is that of the answer to be generated; `beginning` is set if it is to be continued
   * @param limit the maximum number of tokens, if it is less than `maxTokens`
   * @param hasProducts whether the catalogue has any, so that the model learns how to show one
   * @throws ModelError CONTEXT_TOO_LONG if the instructions and the question alone do not fit.
   */
  async buildPrompt(
    em: EntityManager,
    answer: { id: string; conversationId: string; position: number; beginning: { content: string } | null },
    limit: number,
    hasProducts: boolean,
  ): Promise<AnswerPrompt> {
    const conversation = await promptConversation.get(em, answer.conversationId);
    if (!conversation) throw new Error('The conversation was deleted.');
    const messages = await promptMessages.all(
      em,
      answer.conversationId,
      conversation.covered_position,
      answer.position,
    );
    const restore = await readMarkers(em, [
      ...messages.filter(({ product_count }) => product_count > 0).map(({ id }) => id),
      ...(answer.beginning ? [answer.id] : []),
    ]);
    const turns: PromptMessage[] = messages.map((message) => ({
      role: ROLES[message.role],
      content: restore(message),
    }));
    const tokens = Math.min(limit, this.maxTokens);
    const question = turns.pop();
    const required = question ? [question] : [];
    if (answer.beginning) {
      const content = restore({ id: answer.id, content: answer.beginning.content });
      required.push({ role: 'assistant', content }, { role: 'user', content: CONTINUATION });
    }
    const metadata = toMetadata(conversation.metadata);
    const instructions = hasProducts ? `${this.instructions}\n\n${SHOW_PRODUCTS}` : this.instructions;
    const prompt = fitPrompt(instructions, metadata, turns, required, tokens);
    return { ...prompt, question: question?.content ?? '', interests: metadata?.interests ?? [] };
  }
}

/** Returns a function that puts the markers of the products that answers show back into their texts. */
async function readMarkers(
  em: EntityManager,
  answerIds: readonly string[],
): Promise<(message: { id: string; content: string }) => string> {
  if (answerIds.length === 0) return ({ content }) => content;
  const found = await findProductMentions(em, answerIds);
  const byAnswer = new Map(answerIds.map((id, i) => [id, found[i]!]));
  return ({ id, content }) => insertProductMarkers(content, byAnswer.get(id) ?? []);
}
