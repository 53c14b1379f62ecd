import { OVERDUE_MESSAGES } from '../conversations/conversation.entity.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { Logger } from '../platform/telemetry/log.js';

/** Conversations that were not active for longer than this say nothing about the present. */
const ACTIVE_MS = 24 * 3_600_000;

/** Counts the conversations whose metadata has not been updated for long, for the metrics and `npm run doctor`. */
export class OverdueMemory {
  /** The result of the last count. */
  count = 0;

  constructor(
    private readonly fork: () => EntityManager,
    private readonly log: Logger,
  ) {}

  /** Counts again. Does not throw. */
  async refresh(): Promise<void> {
    try {
      this.count = await countOverdueConversations(this.fork());
    } catch (error) {
      this.log.warn({ err: error }, 'Could not count the conversations without memory.');
    }
  }
}

/** Counts the conversations of the last day whose metadata lacks OVERDUE_MESSAGES messages or more. */
export async function countOverdueConversations(em: EntityManager): Promise<number> {
  // The number is part of the statement, so that the databases use the partial index.
  const [row] = await em.execute<{ n: number | string }[]>(
    `select count(*) as n from conversations
     where messages_since_context_update >= ${OVERDUE_MESSAGES} and updated_at >= ?`,
    [new Date(Date.now() - ACTIVE_MS)],
  );
  return Number(row!.n);
}
