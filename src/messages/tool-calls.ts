import type { EntityManager } from '../platform/db/orm.js';
import { ToolCall } from './tool-call.entity.js';

/** Batch function for context.load(): the calls of each answer, in order. It does not check ownership. */
export async function findToolCalls(em: EntityManager, answerIds: readonly string[]): Promise<ToolCall[][]> {
  const calls = await em.find(
    ToolCall,
    { answer: { $in: [...answerIds] } },
    { orderBy: { answer: 'asc', position: 'asc' } },
  );
  const byAnswer = Map.groupBy(calls, ({ answer }) => answer.id);
  return answerIds.map((id) => byAnswer.get(id) ?? []);
}
