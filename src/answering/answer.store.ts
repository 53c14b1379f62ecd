import { LockMode } from '@mikro-orm/core';
import { Conversation } from '../conversations/conversation.entity.js';
import { ModelCallPurpose } from '../memory/model-call.entity.js';
import type { UsageService } from '../memory/usage.service.js';
import { Message } from '../messages/message.entity.js';
import { AnswerErrorCode, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/database.js';
import { sql } from '../platform/db/sql.js';
import { storable } from '../platform/db/storable.js';
import { inTransaction } from '../platform/db/transaction.js';
import type { EndedAnswer, Outcome } from './answer.engine.js';

/** How long an answer stays with its instance after the last heartbeat, in milliseconds. */
const LEASE = 8_000;

const { STREAMING } = MessageStatus;

/** How an answer ends that its own instance does not end: once its lease has run out, or because its user stopped it. */
export const INTERRUPTED = { status: MessageStatus.FAILED, errorCode: AnswerErrorCode.INTERRUPTED } as const;
export const STOPPED = { status: MessageStatus.STOPPED, errorCode: null } as const;

/** The writes of running answers. Each is conditional on the lease, so that only its owner decides. */
export class AnswerStore {
  constructor(private readonly usage: UsageService) {}

  leaseUntil(now = Date.now()): Date {
    return new Date(now + LEASE);
  }

  async isRunning(em: EntityManager, id: string): Promise<boolean> {
    return (await em.count(Message, { id, status: STREAMING })) > 0;
  }

  /** Which of these answers are still being generated. */
  async running(em: EntityManager, ids: string[]): Promise<string[]> {
    const answers = await em.find(Message, { id: ids, status: STREAMING }, { fields: ['id'] });
    return answers.map(({ id }) => id);
  }

  /** Renews the leases and saves the texts so far, all in one statement. Returns the ids that are still ours. */
  async renewLeases(
    em: EntityManager,
    owner: string,
    answers: readonly { id: string; content: string }[],
  ): Promise<string[]> {
    if (answers.length === 0) return [];
    const row = sql(em, { sqlite: '(?, ?)', postgresql: '(?::uuid, ?)' });
    const rows = await em.execute<{ id: string }[]>(
      `update messages set content = saved.column2, lease_expires_at = ?
       from (values ${answers.map(() => row).join(', ')}) as saved
       where messages.id = saved.column1 and lease_owner = ? and status = '${STREAMING}' returning messages.id`,
      [this.leaseUntil(), ...answers.flatMap(({ id, content }) => [id, content]), owner],
    );
    return rows.map(({ id }) => id);
  }

  /** Stores how an answer ended. False where the lease was lost meanwhile: then nothing is written. */
  async finish(
    em: EntityManager,
    { id, ownerId, leaseOwner, content }: { id: string; ownerId: string; leaseOwner: string; content: string },
    { status, errorCode, model, cost }: Outcome,
  ): Promise<boolean> {
    const now = new Date();
    return await inTransaction(em, async (tx) => {
      const written = await tx.nativeUpdate(
        Message,
        { id, leaseOwner, status: STREAMING },
        {
          content,
          status,
          errorCode,
          model: model && storable(model),
          promptTokens: cost?.promptTokens ?? null,
          completionTokens: cost?.completionTokens ?? null,
          usageEstimated: cost?.estimated ?? false,
          leaseOwner: null,
          leaseExpiresAt: null,
          finishedAt: now,
        },
      );
      if (written === 0) return false;
      const { conversation } = await tx.findOneOrFail(Message, { id }, { fields: ['conversation'] });
      await countExchange(tx, conversation.id, content, now);
      if (cost) this.usage.record(tx, ownerId, ModelCallPurpose.ANSWER, cost);
      return true;
    });
  }

  /** The answers whose instance went away. */
  async expired(em: EntityManager): Promise<string[]> {
    const answers = await em.find(Message, { status: STREAMING, ...hasExpired() }, { fields: ['id'] });
    return answers.map(({ id }) => id);
  }

  /**
   * Ends an answer that another instance was generating, with the text that was saved or streamed, whichever is longer.
   * Of those who race for it one gets it; null for the others, and where its instance has ended or renewed it after all.
   * A lease that still holds is only taken away to stop the answer; its instance notices when it would renew it.
   */
  async take(
    em: EntityManager,
    id: string,
    outcome: typeof INTERRUPTED | typeof STOPPED,
    streamed: string | null,
  ): Promise<EndedAnswer | null> {
    const where = { id, status: STREAMING, ...(outcome === INTERRUPTED ? hasExpired() : {}) };
    return await inTransaction(em, async (tx) => {
      const answer = await tx.findOne(Message, where, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!answer) return null;
      const now = new Date();
      const content = streamed && streamed.length > answer.content.length ? streamed : answer.content;
      const ended = { ...outcome, content, leaseOwner: null, leaseExpiresAt: null, finishedAt: now };
      if ((await tx.nativeUpdate(Message, where, ended)) === 0) return null;
      const conversation = await tx.findOneOrFail(Conversation, { id: answer.conversation.id });
      await countExchange(tx, conversation.id, content, now);
      return { messageId: id, conversationId: conversation.id, ownerId: conversation.owner.id };
    });
  }
}

const hasExpired = () => ({ leaseExpiresAt: { $lt: new Date() } });

/** An exchange counts for the memory if its answer holds text, however it ended. */
async function countExchange(em: EntityManager, conversationId: string, answer: string, now: Date): Promise<void> {
  await em.execute(
    'update conversations set updated_at = ?, messages_since_context_update = messages_since_context_update + ? where id = ?',
    [now, answer === '' ? 0 : 2, conversationId],
  );
}
