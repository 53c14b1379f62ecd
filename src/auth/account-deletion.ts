import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import type { Bus } from '../platform/pubsub/bus.js';
import { accountDeleted } from './auth.topics.js';
import type { SessionService } from './session.service.js';
import { User } from './user.entity.js';

/** Deletes users with all their data. */
export class AccountDeletion {
  constructor(
    private readonly sessions: SessionService,
    private readonly bus: Bus,
    /** Deletes what belongs to the user in the domains that depend on this one. */
    private readonly deleteContent: (em: EntityManager, userId: string) => Promise<void>,
  ) {}

  /** The user is deleted last: if this fails, it can be repeated. */
  async run(em: EntityManager, userId: string): Promise<void> {
    const sessions = await this.sessions.findActive(em, userId);
    await this.deleteContent(em, userId);
    await inTransaction(em, (tx) => tx.nativeDelete(User, { id: userId }));
    this.bus.publish(accountDeleted, { userId });
    this.sessions.closeConnections(sessions.map(({ id }) => id));
  }
}
