import { LockMode } from '@mikro-orm/core';
import type { CheckedAnswer, ClaimsService } from '../catalogue/prices/claims.service.js';
import { clampProductMentions } from '../catalogue/product-mentions.js';
import type { Cost, UsageService } from '../usage/usage.service.js';
import { Message } from '../messages/message.entity.js';
import { MessageStatus, ToolCallState } from '../messages/message.enums.js';
import { ToolCall } from '../messages/tool-call.entity.js';
import type { EntityManager } from '../platform/db/orm.js';
import { PreparedQuery, type QueryTarget } from '../platform/db/prepared-query.js';
import { sql } from '../platform/db/sql.js';
import { toStorableText } from '../platform/db/storable-text.js';
import { inTransaction } from '../platform/db/transaction.js';
import { addUsage } from '../platform/model/usage.js';
import { INTERRUPTED_RESULT } from '../platform/tools/run-tool.js';
import type { TokenCount } from '../usage/token-ledger.js';
import { INTERRUPTED, type AnswerRef, type Outcome, type TakeoverOutcome } from './answer-run.js';

/** How long an answer belongs to its instance after the last heartbeat. */
const LEASE_DURATION_MS = 8_000;

const { STREAMING } = MessageStatus;

/** An answer whose generation has ended. */
interface FinishedAnswer {
  id: string;
  conversationId: string;
  leaseOwner: string;
  content: string;
  reasoning: string;
  hasToolCalls: boolean;
  /** What the answer has cost before it was continued; null for an answer that was not. */
  earlierCost: Cost | null;
}

/** Reads and writes answers that are being generated. Each write is conditional on the lease: only its owner decides. */
export class AnswerStore {
  constructor(
    private readonly usage: UsageService,
    private readonly claims: ClaimsService,
  ) {}

  /** Returns when a lease that is granted or renewed now expires. */
  getLeaseExpiry(): Date {
    return new Date(Date.now() + LEASE_DURATION_MS);
  }

  async isStreaming(em: EntityManager, id: string): Promise<boolean> {
    return (await em.count(Message, { id, status: STREAMING })) > 0;
  }

  /** Returns which of these answers are still being generated. */
  async findStreaming(em: EntityManager, ids: string[]): Promise<string[]> {
    const answers = await em.find(Message, { id: ids, status: STREAMING }, { fields: ['id'] });
    return answers.map(({ id }) => id);
  }

  /** Renews the leases and saves the texts so far in one statement. Returns the ids whose lease was renewed. */
  async renewLeases(
    em: EntityManager,
    owner: string,
    answers: readonly { id: string; content: string; reasoning: string }[],
  ): Promise<string[]> {
    if (answers.length === 0) return [];
    const row = sql(em, { sqlite: '(?, ?, ?)', postgresql: '(?::uuid, ?, ?)' });
    const rows = await em.execute<{ id: string }[]>(
      `update messages set content = saved.column2, reasoning = nullif(saved.column3, ''), lease_expires_at = ?
       from (values ${answers.map(() => row).join(', ')}) as saved
       where messages.id = saved.column1 and lease_owner = ? and status = '${STREAMING}' returning messages.id`,
      [this.getLeaseExpiry(), ...answers.flatMap(({ id, content, reasoning }) => [id, content, reasoning]), owner],
    );
    return rows.map(({ id }) => id);
  }

  /**
   * Stores calls that are about to run, with the text before them, so that their offsets are within the stored text.
   * @param estimate what the answer is going to cost in addition
   * @returns whether the lease is still valid; otherwise nothing is written
   */
  async addToolCalls(
    em: EntityManager,
    answer: { id: string; leaseOwner: string; content: string; reasoning: string },
    calls: readonly ToolCall[],
    estimate: TokenCount,
  ): Promise<boolean> {
    const { id, leaseOwner, content, reasoning } = answer;
    return await inTransaction(em, async (tx) => {
      const toolCallCount = calls.at(-1)!.position + 1;
      const values = { content, reasoning: reasoning || null, toolCallCount };
      // This locks the row until the calls are stored, so that whoever takes over the answer sees and closes them.
      if ((await tx.nativeUpdate(Message, { id, leaseOwner, status: STREAMING }, values)) === 0) return false;
      await tx.insertMany(
        ToolCall,
        calls.map((call) => ({ ...call, answer: id })),
      );
      await this.usage.extendReservation(tx, id, estimate);
      return true;
    });
  }

  /** Stores the result of a call that is running. Returns false if it has been closed meanwhile. */
  async finishToolCall(
    em: EntityManager,
    id: string,
    outcome: { state: ToolCallState; result: string },
  ): Promise<boolean> {
    const where = { id, state: ToolCallState.RUNNING };
    if ((await em.nativeUpdate(ToolCall, where, { ...outcome, finishedAt: new Date() })) > 0) return true;
    // An earlier attempt may have succeeded although its connection was lost.
    return (await em.count(ToolCall, { id, ...outcome })) > 0;
  }

  /**
   * Stores the outcome of an answer. Returns the owner of its conversation, which an account may have claimed meanwhile;
   * null if the lease was lost: then nothing is written.
   */
  async finish(
    em: EntityManager,
    { id, conversationId, leaseOwner, content, reasoning, hasToolCalls, earlierCost }: FinishedAnswer,
    { status, errorCode, finishReason, model, cost, given = '' }: Outcome,
  ): Promise<string | null> {
    const now = new Date();
    const total = addUsage(earlierCost, cost);
    const unverifiedClaims = await this.claims.find(em.fork(), { id, conversationId, content, given });
    const finishedFor = await inTransaction(em, async (tx) => {
      const ownerId = await lockConversation(tx, conversationId);
      const written = await finishAnswer.get(
        tx,
        ...([content, reasoning || null, status, errorCode, finishReason] as const),
        model ? toStorableText(model) : null,
        ...([total?.promptTokens ?? null, total?.completionTokens ?? null, total?.estimated ?? false] as const),
        unverifiedClaims && JSON.stringify(unverifiedClaims),
        ...([now, id, leaseOwner] as const),
      );
      if (written === null || ownerId === null) {
        await this.usage.countDeletedAnswer(tx, id, cost);
        return null;
      }
      if (hasToolCalls) await closeToolCalls(tx, id, now);
      await countExchange(tx, conversationId, content, now);
      await this.usage.recordAnswer(tx, ownerId, id, cost);
      return ownerId;
    });
    if (finishedFor !== null) this.claims.count(unverifiedClaims);
    return finishedFor;
  }

  /** Returns the answers whose lease has expired. */
  async findExpired(em: EntityManager): Promise<string[]> {
    // SQLite uses the index of running answers only if the statement contains their status, not as a bound value.
    const answers = await em.execute<{ id: string }[]>(
      `select id from messages where status = '${STREAMING}' and lease_expires_at < ?`,
      [new Date()],
    );
    return answers.map(({ id }) => id);
  }

  /**
   * Stores the outcome of an answer that another instance generates, with the longer of the saved and the streamed texts.
   * Returns null if another instance was faster, or if the owner has finished the answer or renewed its lease. A valid
   * lease is taken away only to stop the answer; the owner notices at its next heartbeat.
   */
  async takeOver(
    em: EntityManager,
    id: string,
    outcome: TakeoverOutcome,
    streamed: { content: string | null; reasoning: string | null },
  ): Promise<(Omit<AnswerRef, 'sessionId'> & { hasText: boolean }) | null> {
    const where = { id, status: STREAMING, ...(outcome === INTERRUPTED ? hasExpired() : {}) };
    const taken = await inTransaction(em, async (tx) => {
      const found = await tx.findOne(Message, where, { fields: ['conversation'] });
      const ownerId = found && (await lockConversation(tx, found.conversation.id));
      const answer =
        ownerId && (await tx.findOne(Message, where, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true }));
      if (!answer) return null;
      const now = new Date();
      const content = longer(answer.content, streamed.content)!;
      const reasoning = longer(answer.reasoning, streamed.reasoning);
      const values = { ...outcome, content, reasoning, leaseOwner: null, leaseExpiresAt: null, finishedAt: now };
      if ((await tx.nativeUpdate(Message, where, values)) === 0) return null;
      const conversationId = answer.conversation.id;
      if (answer.toolCallCount > 0) {
        await closeToolCalls(tx, id, now);
        // A heartbeat may have saved an older text after the calls were stored.
        await tx.nativeUpdate(ToolCall, { answer: id, offset: { $gt: content.length } }, { offset: content.length });
      }
      if (answer.productCount > 0) await clampProductMentions(tx, id, content.length);
      await countExchange(tx, conversationId, content, now);
      await this.usage.countInterruptedAnswer(tx, id, content);
      return { id, conversationId, ownerId, content };
    });
    if (!taken) return null;
    const { conversationId, ownerId, content } = taken;
    // The outcome is stored, and must be announced also if the database is lost now.
    await this.#checkPrices(em, { id, conversationId, content }, outcome).catch(() => {});
    return { id, conversationId, ownerId, hasText: content !== '' };
  }

  /** Checks an answer that is stored. If it is being continued already, it is checked at its end. */
  async #checkPrices(em: EntityManager, answer: CheckedAnswer, { status }: TakeoverOutcome): Promise<void> {
    const unverifiedClaims = await this.claims.find(em.fork(), answer);
    if (!unverifiedClaims) return;
    await em.fork().nativeUpdate(Message, { id: answer.id, status }, { unverifiedClaims });
    this.claims.count(unverifiedClaims);
  }
}

/** Gives a result to the calls that have none. */
async function closeToolCalls(tx: EntityManager, answerId: string, finishedAt: Date): Promise<void> {
  const where = { answer: answerId, state: ToolCallState.RUNNING };
  await tx.nativeUpdate(ToolCall, where, { state: ToolCallState.FAILED, result: INTERRUPTED_RESULT, finishedAt });
}

const longer = (saved: string | null, streamed: string | null): string | null =>
  (streamed?.length ?? 0) > (saved?.length ?? 0) ? streamed : saved;

const hasExpired = () => ({ leaseExpiresAt: { $lt: new Date() } });

/**
 * Locks the conversation of an answer before the answer is written, and returns its owner; null if it was deleted. A
 * claim locks it too, so the owner and the search index see either the answer or the claim first.
 */
async function lockConversation(tx: QueryTarget, id: string): Promise<string | null> {
  return (await lockedOwner.get(tx, id))?.owner_id ?? null;
}

const lockedOwner = new PreparedQuery<[id: string], { owner_id: string }>({
  sqlite: 'select owner_id from conversations where id = ?',
  postgresql: 'select owner_id from conversations where id = ? for update',
});

/** Only the owner of the lease may finish an answer. The model stays if it is not known. */
const finishAnswer = new PreparedQuery<
  [
    ...[content: string, reasoning: string | null, status: string, errorCode: string | null],
    ...[finishReason: string | null, model: string | null, promptTokens: number | null],
    ...[completionTokens: number | null, usageEstimated: boolean, unverifiedClaims: string | null],
    ...[finishedAt: Date, id: string, leaseOwner: string],
  ],
  { id: string }
>(
  `update messages set content = ?, reasoning = ?, status = ?, error_code = ?, finish_reason = ?,
     model = coalesce(?, model), prompt_tokens = ?, completion_tokens = ?, usage_estimated = ?, unverified_claims = ?, lease_owner = null,
     lease_expires_at = null, finished_at = ?
   where id = ? and lease_owner = ? and status = '${STREAMING}' returning id`,
);

const countMessages = new PreparedQuery<[updatedAt: Date, added: number, id: string], never>(
  `update conversations set updated_at = ?, messages_since_context_update = messages_since_context_update + ?
   where id = ?`,
);

/** Counts the exchange for the next update of the metadata if its answer has text, whatever its status. */
async function countExchange(tx: QueryTarget, conversationId: string, answer: string, now: Date): Promise<void> {
  await countMessages.run(tx, now, answer === '' ? 0 : 2, conversationId);
}
