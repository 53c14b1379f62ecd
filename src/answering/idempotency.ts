import type { Viewer } from '../auth/viewer.js';
import type { EntityManager } from '../platform/db/orm.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import { AskedRequest } from './asked-request.entity.js';
import { loadExchange, type Exchange } from './exchange.js';
import { insertAskedRequest } from './exchange.row.js';

/**
 * Runs `begin` once for each request id of a user: a repeated request resolves with the exchange of the first one.
 * `begin` calls `claimRequestId` in the transaction that stores the exchange. A request without an id always runs.
 * @throws NotFoundError for the field `requestId` if the exchange of the first request was deleted
 */
export async function once(
  em: EntityManager,
  viewer: Viewer,
  requestId: string | null | undefined,
  begin: () => Promise<Exchange>,
): Promise<Exchange> {
  const earlier = await findExchange(em, viewer, requestId);
  if (earlier) return earlier;
  try {
    return await begin();
  } catch (error) {
    // If a concurrent request with the same id succeeded, it caused this error: return its exchange.
    const concurrent = await findExchange(em, viewer, requestId);
    if (concurrent) return concurrent;
    throw error;
  }
}

/** Stores the claim. A second claim violates the primary key. */
export async function claimRequestId(
  tx: EntityManager,
  viewer: Viewer,
  requestId: string | null | undefined,
  { answer }: Exchange,
): Promise<void> {
  if (requestId == null) return;
  // The answer may be an entity that is not stored yet.
  await tx.flush();
  await insertAskedRequest.run(tx, viewer.userId, requestId, answer.id, new Date());
}

async function findExchange(
  em: EntityManager,
  viewer: Viewer,
  requestId: string | null | undefined,
): Promise<Exchange | null> {
  if (requestId == null) return null;
  const fork = em.fork();
  const request = await fork.findOne(AskedRequest, { user: viewer.userId, requestId });
  if (!request) return null;
  const exchange = request.answer && (await loadExchange(fork, request.answer.id));
  if (!exchange) throw new NotFoundError('requestId', 'answer of the earlier request');
  return exchange;
}
