import type { EntityClass, FilterQuery } from '@mikro-orm/core';
import { AskedRequest } from '../answering/asked-request.entity.js';
import { Identity } from '../auth/identity.entity.js';
import { SecurityEventEntry } from '../auth/security-event.entity.js';
import { Session } from '../auth/session.entity.js';
import { User } from '../auth/user.entity.js';
import { toMentionedProduct } from '../catalogue/product-mention.entity.js';
import { findProductMentions } from '../catalogue/product-mentions.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { Message } from '../messages/message.entity.js';
import type { ToolCall } from '../messages/tool-call.entity.js';
import { findToolCalls } from '../messages/tool-calls.js';
import type { EntityManager } from '../platform/db/orm.js';
import { ModelCall } from '../usage/model-call.entity.js';

/** Rows that are read at once. An answer may have a million characters. */
const BATCH_SIZE = 50;

/**
 * Yields everything that is stored about a user as JSON lines. Each has a `kind`; the last one is `end`, so that an
 * incomplete file can be recognised. Left out are the hashes of the password, of tokens and of addresses. It holds no
 * connection to the database while its reader is busy.
 */
export async function* readUserData(fork: () => EntityManager, userId: string): AsyncGenerator<string, void> {
  let lines = 0;
  const toLine = (kind: string, values: object): string => {
    lines += 1;
    return `${JSON.stringify({ kind, ...values })}\n`;
  };
  const user = await fork().findOne(User, { id: userId });
  if (user) {
    const { id, email, emailVerifiedAt, name, phone, role, disabledAt, createdAt, updatedAt } = user;
    yield toLine('user', { id, email, emailVerifiedAt, name, phone, role, disabledAt, createdAt, updatedAt });
  }
  for (const { issuer, subject, createdAt } of await fork().find(Identity, { user: userId }))
    yield toLine('identity', { issuer, subject, createdAt });
  for await (const row of readRows(fork, Session, { user: userId })) {
    const { id, userAgent, createdAt, lastUsedAt, expiresAt, endedAt, endReason } = row;
    yield toLine('session', { id, userAgent, createdAt, lastUsedAt, expiresAt, endedAt, endReason });
  }
  for await (const { id, type, at, userAgent, address } of readRows(fork, SecurityEventEntry, { user: userId }))
    yield toLine('securityEvent', { id, type, at, userAgent, address });
  for await (const conversation of readRows(fork, Conversation, { owner: userId })) {
    const { id, title, metadata, createdAt, updatedAt } = conversation;
    yield toLine('conversation', { id, title, metadata, createdAt, updatedAt });
    for await (const message of readRows(fork, Message, { conversation: id })) {
      const [mentions = []] = message.productCount === 0 ? [] : await findProductMentions(fork(), [message.id]);
      yield toLine('message', { ...pick(message), products: mentions.map(toMentionedProduct) });
      const calls = message.toolCallCount === 0 ? [] : (await findToolCalls(fork(), [message.id]))[0]!;
      for (const call of calls) yield toLine('toolCall', pickCall(call));
    }
  }
  for await (const { id, at, purpose, promptTokens, completionTokens, estimated } of readRows(fork, ModelCall, {
    user: userId,
  }))
    yield toLine('usage', { id, at, purpose, promptTokens, completionTokens, estimated });
  for await (const { requestId, answer, createdAt } of readRequests(fork, userId))
    yield toLine('request', { requestId, answerId: answer?.id ?? null, createdAt });
  yield toLine('end', { lines });
}

const pick = (message: Message) => ({
  id: message.id,
  conversationId: message.conversation.id,
  /** Null for an answer that was replaced. */
  position: message.position,
  role: message.role,
  content: message.content,
  reasoning: message.reasoning,
  status: message.status,
  errorCode: message.errorCode,
  finishReason: message.finishReason,
  requestId: message.requestId,
  inReplyTo: message.inReplyTo?.id ?? null,
  replaces: message.replaces?.id ?? null,
  unverifiedClaims: message.unverifiedClaims ?? [],
  model: message.model,
  promptTokens: message.promptTokens,
  completionTokens: message.completionTokens,
  createdAt: message.createdAt,
  finishedAt: message.finishedAt,
});

const pickCall = (call: ToolCall) => ({
  id: call.id,
  messageId: call.answer.id,
  name: call.name,
  state: call.state,
  arguments: call.arguments,
  result: call.result,
  offset: call.offset,
  createdAt: call.createdAt,
  finishedAt: call.finishedAt,
});

/** Yields rows by id, in batches of separate queries. */
async function* readRows<T extends { id: string }>(
  fork: () => EntityManager,
  entity: EntityClass<T>,
  where: FilterQuery<NoInfer<T>>,
): AsyncGenerator<T, void> {
  for (let after = ''; ;) {
    const filter = { $and: [where, ...(after ? [{ id: { $gt: after } }] : [])] } as FilterQuery<T>;
    const rows = await fork().find(entity, filter, { orderBy: { id: 'asc' } as never, limit: BATCH_SIZE });
    yield* rows;
    if (rows.length < BATCH_SIZE) return;
    after = rows.at(-1)!.id;
  }
}

async function* readRequests(fork: () => EntityManager, userId: string): AsyncGenerator<AskedRequest, void> {
  for (let after: string | null = null; ;) {
    const rows: AskedRequest[] = await fork().find(
      AskedRequest,
      { user: userId, ...(after === null ? {} : { requestId: { $gt: after } }) },
      { orderBy: { requestId: 'asc' }, limit: BATCH_SIZE },
    );
    yield* rows;
    if (rows.length < BATCH_SIZE) return;
    after = rows.at(-1)!.requestId;
  }
}
