import { Message } from '../messages/message.entity.js';
import { MessageRole, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/database.js';
import type { PromptMessage } from '../platform/model/chat-model.js';

/** Puts together what the model is asked. */
export class PromptService {
  constructor(private readonly instructions: string) {}

  /** The instructions, the conversation so far, and the question that the answer replies to. */
  async promptFor(em: EntityManager, answer: Message): Promise<PromptMessage[]> {
    const messages = await em.find(
      Message,
      {
        conversation: answer.conversation.id,
        position: { $lt: answer.position },
        status: { $ne: MessageStatus.STREAMING },
      },
      { orderBy: { position: 'asc' }, fields: ['role', 'content'] },
    );
    return alternating([
      { role: 'system', content: this.instructions },
      ...messages.map(({ role, content }) => ({
        role: role === MessageRole.USER ? ('user' as const) : ('assistant' as const),
        content,
      })),
    ]);
  }
}

/**
 * Leaves out empty messages, such as answers that failed before their first token, and joins neighbours of one role:
 * many chat templates of open models insist on turns.
 */
function alternating(messages: readonly PromptMessage[]): PromptMessage[] {
  const turns: PromptMessage[] = [];
  for (const { role, content } of messages) {
    if (content === '') continue;
    const last = turns.at(-1);
    if (last?.role === role) last.content += `\n\n${content}`;
    else turns.push({ role, content });
  }
  return turns;
}
