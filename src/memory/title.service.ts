import { TitleSource } from '../conversations/conversation.entity.js';
import { untitledConversation } from '../conversations/conversation.row.js';
import { conversationChanged, ConversationUpdateType } from '../conversations/conversation.topics.js';
import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import type { CallIds, ChatModel } from '../platform/model/chat-model.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { Logger } from '../platform/telemetry/log.js';
import type { BackgroundTasks } from './background-tasks.js';
import { buildTitlePrompt, TITLE_FORMAT } from './title-prompt.js';
import { ModelCallPurpose } from '../usage/model-call.entity.js';
import type { UsageService } from '../usage/usage.service.js';

/** Generates titles of conversations, in parallel with the first answer, once that has text. */
export class TitleService {
  constructor(
    private readonly services: {
      fork: () => EntityManager;
      model: ChatModel;
      usage: UsageService;
      background: BackgroundTasks;
      bus: Bus;
      log: Logger;
    },
  ) {}

  /**
   * Generates a title and stores it, unless the conversation has one or the user has renamed it meanwhile. After a failure
   * the provisional title stays.
   */
  generate(ids: CallIds, question: string): void {
    const { userId, conversationId } = ids;
    const { fork, model, usage, background, bus, log } = this.services;
    background.run(async (signal) => {
      try {
        // A first answer that is generated again may have a title already.
        if (!(await untitledConversation.get(fork(), conversationId))) return;
        if (await usage.isBudgetUsedUp(fork())) return;
        const { value, usage: cost } = await model.structured(buildTitlePrompt(question), TITLE_FORMAT, {
          signal,
          ids,
        });
        const renamed = await inTransaction(fork(), async (em) => {
          // An account may have claimed the conversation of a guest meanwhile.
          const [row] = await em.execute<{ owner_id: string }[]>(
            'update conversations set title = ?, title_source = ?, updated_at = ? where id = ? and title_source = ? returning owner_id',
            [value.title, TitleSource.GENERATED, new Date(), conversationId, TitleSource.PROVISIONAL],
          );
          await usage.record(em, row?.owner_id ?? userId, ModelCallPurpose.TITLE, cost);
          return row;
        });
        if (renamed)
          bus.publish(conversationChanged, {
            type: ConversationUpdateType.RENAMED,
            ownerId: renamed.owner_id,
            conversationId,
          });
      } catch (error) {
        await usage.recordFailedCall(fork(), userId, ModelCallPurpose.TITLE, error).catch(() => {});
        if (!signal.aborted) log.warn({ err: error, conversationId }, 'Could not generate a title.');
      }
    });
  }
}
