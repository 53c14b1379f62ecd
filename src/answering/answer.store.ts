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

const { STREAMING, FAILED } = MessageStatus;

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

  /**
   * Ends the answers whose instance went away: FAILED / INTERRUPTED, with the text that was saved. Returns them, each
   * to one of the instances that race for it.
   */
  async failExpired(em: EntityManager): Promise<EndedAnswer[]> {
    if ((await em.count(Message, { status: STREAMING, leaseExpiresAt: { $lt: new Date() } })) === 0) return [];
    return await inTransaction(em, async (tx) => {
      const now = new Date();
      // What another instance is just ending, or renewing after all, is left to it.
      const unlocked = sql(tx, { sqlite: '', postgresql: 'for update skip locked' });
      const rows = await tx.execute<{ id: string; conversation: string; content: string }[]>(
        `update messages set status = '${FAILED}', error_code = '${AnswerErrorCode.INTERRUPTED}', lease_owner = null,
           lease_expires_at = null, finished_at = ?
         where id in (select id from messages where status = '${STREAMING}' and lease_expires_at < ? ${unlocked})
         returning id, conversation_id as conversation, content`,
        [now, now],
      );
      for (const { conversation, content } of rows) await countExchange(tx, conversation, content, now);
      const conversations = await tx.find(Conversation, { id: rows.map(({ conversation }) => conversation) });
      const owners = new Map(conversations.map(({ id, owner }) => [id, owner.id]));
      return rows.map(({ id, conversation }) => ({
        messageId: id,
        conversationId: conversation,
        ownerId: owners.get(conversation)!,
      }));
    });
  }
}

/** An exchange counts for the memory if its answer holds text, however it ended. */
async function countExchange(em: EntityManager, conversationId: string, answer: string, now: Date): Promise<void> {
  await em.execute(
    'update conversations set updated_at = ?, messages_since_context_update = messages_since_context_update + ? where id = ?',
    [now, answer === '' ? 0 : 2, conversationId],
  );
}
