import { Conversation, OVERDUE_MESSAGES } from '../conversations/conversation.entity.js';
import { messagesSinceUpdate } from '../conversations/conversation.row.js';
import { conversationChanged, ConversationUpdateType } from '../conversations/conversation.topics.js';
import type { ConversationMetadata } from '../conversations/conversation-metadata.js';
import { Message } from '../messages/message.entity.js';
import { MessageRole, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/orm.js';
import { toStorableText } from '../platform/db/storable-text.js';
import { inTransaction } from '../platform/db/transaction.js';
import {
  ModelError,
  type CallIds,
  type CallOptions,
  type ChatModel,
  type CompletionUsage,
} from '../platform/model/chat-model.js';
import { addUsage, failWithUsage } from '../platform/model/usage.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { Logger } from '../platform/telemetry/log.js';
import { ModelCallPurpose } from '../usage/model-call.entity.js';
import type { UsageService } from '../usage/usage.service.js';
import type { ProductTitles } from '../catalogue/product-titles.js';
import type { BackgroundTasks } from './background-tasks.js';
import { fitMetadataPrompt, METADATA_FORMAT } from './metadata-prompt.js';
import type { OverdueMemory } from './overdue-memory.js';

/** The metadata is updated after this many messages: three exchanges. */
const MESSAGES_PER_UPDATE = 6;

/** The longest gap between two attempts, in messages. */
const MAX_GAP = 32;

/**
 * Whether an update is due after a further exchange: at 6 messages and, while updates fail, at 8, 12, 20, 36, 68, 100 …,
 * so that a provider that cannot do it is not asked after every answer. The count itself shows which attempts have
 * failed, on every instance and after a restart.
 */
function isDue(messages: number): boolean {
  const beyond = messages - MESSAGES_PER_UPDATE + 2;
  return beyond >= MAX_GAP ? beyond % MAX_GAP === 0 : beyond >= 2 && Number.isInteger(Math.log2(beyond));
}

/** Keeps the metadata of conversations up to date: it replaces the messages that it covers in prompts. */
export class MetadataService {
  /** The conversations that are being updated here. `again`: another exchange has finished meanwhile. */
  readonly #updating = new Map<string, { again: boolean }>();

  constructor(
    private readonly services: {
      fork: () => EntityManager;
      model: ChatModel;
      usage: UsageService;
      background: BackgroundTasks;
      bus: Bus;
      log: Logger;
      overdue: OverdueMemory;
      titles: ProductTitles;
      /** The maximum number of tokens of the prompt of an update. */
      contextTokens: number;
    },
  ) {}

  /** Updates the metadata in the background if it is due. Call after each exchange whose answer has text. */
  onExchangeFinished(ids: CallIds): void {
    const { conversationId } = ids;
    const updating = this.#updating.get(conversationId);
    if (updating) {
      updating.again = true;
      return;
    }
    const state = { again: false };
    this.#updating.set(conversationId, state);
    this.services.background.run(async (signal) => {
      try {
        let isIncomplete = false;
        do {
          state.again = false;
          isIncomplete = await this.#update(ids, signal, isIncomplete);
        } while ((isIncomplete || state.again) && !signal.aborted);
      } finally {
        this.#updating.delete(conversationId);
      }
    });
  }

  /**
   * Updates the metadata. Returns whether another update must follow at once, because one could not cover all messages.
   * A failure changes nothing: prompts keep the messages, and a later exchange tries again.
   */
  async #update(ids: CallIds, signal: AbortSignal, isContinued: boolean): Promise<boolean> {
    const { fork, usage, overdue, bus, log } = this.services;
    const { conversationId } = ids;
    let uncovered = 0;
    try {
      const em = fork();
      // Most exchanges need no update, and then no entity.
      uncovered = (await messagesSinceUpdate.get(em, conversationId))?.messages ?? 0;
      if (!isContinued && !isDue(uncovered)) return false;
      const conversation = await em.findOne(Conversation, { id: conversationId });
      if (!conversation) return false;
      if (await usage.isBudgetUsedUp(em)) return false;
      const ownerId = conversation.owner.id;
      const messages = await this.#findNotCovered(em, conversation);
      if (!messages.some(({ role }) => role === MessageRole.ASSISTANT)) return false;
      const {
        covered,
        value,
        usage: cost,
      } = await this.#request(conversation.metadata, messages, { signal, ids }).catch(async (error: unknown) => {
        await usage.recordFailedCall(fork(), ownerId, ModelCallPurpose.METADATA, error);
        throw error;
      });
      const metadata = await this.#nameProducts(conversationId, value);
      const stored = await this.#store(conversation, covered, metadata, cost);
      if (stored === null) {
        log.info({ conversationId }, 'Metadata not stored: another update was faster.');
        return false;
      }
      bus.publish(conversationChanged, {
        type: ConversationUpdateType.METADATA_UPDATED,
        ownerId: stored.ownerId,
        conversationId,
      });
      return stored.remaining >= MESSAGES_PER_UPDATE;
    } catch (error) {
      if (!signal.aborted)
        log.warn(
          { err: error, conversationId, messagesSinceContextUpdate: uncovered },
          'Could not update the metadata; a later exchange tries again.',
        );
      return false;
    } finally {
      if (uncovered >= OVERDUE_MESSAGES) await overdue.refresh();
    }
  }

  /** Requests metadata that covers the oldest messages as well. If the prompt is too long, it is shortened once. */
  async #request(metadata: ConversationMetadata | null, messages: readonly Message[], options: CallOptions) {
    const { model, contextTokens } = this.services;
    const fit = (limit: number) =>
      fitMetadataPrompt(metadata, messages, Math.min(limit, model.maxPromptTokens ?? Infinity));
    const whole = fit(contextTokens);
    try {
      return { covered: whole.covered, ...(await model.structured(whole.prompt, METADATA_FORMAT, options)) };
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== 'CONTEXT_TOO_LONG') throw error;
      // Without a figure from the provider, half of the prompt is the best guess.
      const shorter = fit(whole.tokens / 2);
      if (shorter.tokens >= whole.tokens) throw error;
      const completion = await failWithUsage(error.usage, () =>
        model.structured(shorter.prompt, METADATA_FORMAT, options),
      );
      return { covered: shorter.covered, ...completion, usage: addUsage(error.usage, completion.usage) };
    }
  }

  /** Gives products of the catalogue their titles, so that reports count each once. */
  async #nameProducts(conversationId: string, metadata: ConversationMetadata): Promise<ConversationMetadata> {
    const { fork, titles } = this.services;
    const { offeredProducts, rejectedProducts } = metadata;
    const named = await titles.find(fork(), conversationId, [...offeredProducts, ...rejectedProducts]);
    const rename = (terms: string[]) => [...new Set(terms.map((term) => named.get(term) ?? term))];
    return { ...metadata, offeredProducts: rename(offeredProducts), rejectedProducts: rename(rejectedProducts) };
  }

  /** Returns the messages that the metadata does not cover, up to the last finished exchange. */
  async #findNotCovered(em: EntityManager, { id, coveredPosition }: Conversation): Promise<Message[]> {
    const messages = await em.find(
      Message,
      { conversation: id, position: { $gte: coveredPosition } },
      { orderBy: { position: 'asc' } },
    );
    const streaming = messages.findIndex(({ status }) => status === MessageStatus.STREAMING);
    // The question of an answer that is being generated is left out, too.
    return streaming === -1 ? messages : messages.slice(0, streaming - 1);
  }

  /**
   * Stores the metadata, unless another update was faster.
   * Returns the number of messages that it does not cover, and the owner, which an account may have become meanwhile;
   * null if it was not stored.
   */
  async #store(
    conversation: Conversation,
    covered: readonly Message[],
    metadata: ConversationMetadata,
    usage: CompletionUsage,
  ): Promise<{ remaining: number; ownerId: string } | null> {
    const answers = covered.filter(({ role, content }) => role === MessageRole.ASSISTANT && content !== '');
    return await inTransaction(this.services.fork(), async (em) => {
      const [row] = await em.execute<{ remaining: number; owner_id: string }[]>(
        `update conversations set metadata = ?, sale_status = ?, metadata_version = metadata_version + 1,
           covered_position = ?, messages_since_context_update = messages_since_context_update - ?, updated_at = ?
         where id = ? and metadata_version = ? returning messages_since_context_update as remaining, owner_id`,
        [
          JSON.stringify(metadata, (_key, value: unknown) =>
            typeof value === 'string' ? toStorableText(value) : value,
          ),
          metadata.saleStatus,
          covered.at(-1)!.position! + 1,
          answers.length * 2,
          new Date(),
          conversation.id,
          conversation.metadataVersion,
        ],
      );
      await this.services.usage.record(em, row?.owner_id ?? conversation.owner.id, ModelCallPurpose.METADATA, usage);
      return row ? { remaining: row.remaining, ownerId: row.owner_id } : null;
    });
  }
}
