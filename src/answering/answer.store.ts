import { Conversation } from '../conversations/conversation.entity.js';
import { Message } from '../messages/message.entity.js';
import { AnswerErrorCode, MessageStatus } from '../messages/message.enums.js';
import type { EntityManager } from '../platform/db/database.js';
import type { Outcome } from './answer.engine.js';

/** How long an answer stays with its instance after the last heartbeat, in milliseconds. */
const LEASE = 8_000;

const { STREAMING, FAILED } = MessageStatus;

/** The writes of running answers. Each is conditional on the lease, so that only its owner decides. */
export class AnswerStore {
  leaseUntil(now = Date.now()): Date {
    return new Date(now + LEASE);
  }

  /** Renews the leases and saves the texts so far, all in one statement. Returns the ids that are still ours. */
  async renewLeases(
    em: EntityManager,
    owner: string,
    answers: readonly { id: string; content: string }[],
  ): Promise<string[]> {
    if (answers.length === 0) return [];
    const rows = await em.execute<{ id: string }[]>(
      `update messages set content = saved.column2, lease_expires_at = ?
       from (values ${answers.map(() => '(?, ?)').join(', ')}) as saved
       where messages.id = saved.column1 and lease_owner = ? and status = '${STREAMING}' returning messages.id`,
      [this.leaseUntil(), ...answers.flatMap(({ id, content }) => [id, content]), owner],
    );
    return rows.map(({ id }) => id);
  }

  /** Stores how an answer ended. False where the lease was lost meanwhile: then nothing is written. */
  async finish(em: EntityManager, id: string, owner: string, content: string, outcome: Outcome): Promise<boolean> {
    const now = new Date();
    return await em.transactional(async (tx) => {
      const written = await tx.nativeUpdate(
        Message,
        { id, leaseOwner: owner, status: STREAMING },
        {
          content,
          status: outcome.status,
          errorCode: outcome.errorCode,
          model: outcome.model,
          promptTokens: outcome.usage?.promptTokens ?? null,
          completionTokens: outcome.usage?.completionTokens ?? null,
          leaseOwner: null,
          leaseExpiresAt: null,
          finishedAt: now,
        },
      );
      if (written === 0) return false;
      const { conversation } = await tx.findOneOrFail(Message, { id }, { fields: ['conversation'] });
      await tx.nativeUpdate(Conversation, { id: conversation.id }, { updatedAt: now });
      return true;
    });
  }

  /** Ends the answers whose instance went away: FAILED / INTERRUPTED, with the text that was saved. */
  async failExpired(em: EntityManager): Promise<number> {
    const now = new Date();
    return await em.nativeUpdate(
      Message,
      { status: STREAMING, leaseExpiresAt: { $lt: now } },
      {
        status: FAILED,
        errorCode: AnswerErrorCode.INTERRUPTED,
        leaseOwner: null,
        leaseExpiresAt: null,
        finishedAt: now,
      },
    );
  }
}
