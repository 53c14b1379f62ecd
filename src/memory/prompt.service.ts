import { Conversation } from '../conversations/conversation.entity.js';
import { Message } from '../messages/message.entity.js';
import { MessageRole, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { ChatModel, PromptMessage } from '../platform/model/chat-model.js';
import { countTokens } from '../platform/model/tokens.js';
import type { TokenCount } from '../usage/token-ledger.js';
import { fitPrompt, type Prompt } from './fit-prompt.js';
import { CONTINUATION } from './instructions.js';

const ROLES = { [MessageRole.USER]: 'user', [MessageRole.ASSISTANT]: 'assistant' } as const;

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

  /** Estimates the largest cost of an answer, without reading the history. */
  estimateTokens(question: string, { position }: { position: number | null }): TokenCount {
    const limit = Math.min(this.contextTokens, this.model.maxPromptTokens ?? Infinity);
    const isFirst = position === 1;
    const promptTokens = isFirst ? Math.min(limit, this.#instructionTokens + countTokens(question)) : limit;
    return { promptTokens, completionTokens: this.maxOutputTokens };
  }

  /**
   * Builds the prompt from the instructions, the metadata, the messages that the metadata does not cover, and the
   * question. If they do not fit, the oldest exchanges are left out first.
   * @param answer its position is that of the answer to be generated; `beginning` is set if it is to be continued
   * @param limit the maximum number of tokens, if it is less than what is configured and what the model allows
   * @throws ModelError CONTEXT_TOO_LONG if the instructions and the question alone do not fit.
   */
  async buildPrompt(
    em: EntityManager,
    answer: { conversationId: string; position: number; beginning: { content: string } | null },
    limit = Infinity,
  ): Promise<Prompt> {
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
    const turns: PromptMessage[] = messages.map(({ role, content }) => ({ role: ROLES[role], content }));
    const tokens = Math.min(limit, this.contextTokens, this.model.maxPromptTokens ?? Infinity);
    const question = turns.pop();
    const required = question ? [question] : [];
    if (answer.beginning) {
      required.push({ role: 'assistant', content: answer.beginning.content }, { role: 'user', content: CONTINUATION });
    }
    return fitPrompt(this.instructions, conversation.metadata, turns, required, tokens);
  }
}
