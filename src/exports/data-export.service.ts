import { createHash, randomBytes } from 'node:crypto';
import { ref } from '@mikro-orm/core';
import { toEventOrigin, type SecurityEvents } from '../auth/security-events.js';
import { toEmailKey } from '../auth/email.js';
import { User } from '../auth/user.entity.js';
import type { Client, Viewer } from '../auth/viewer.js';
import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import type { RateLimiter } from '../platform/limits/rate-limiter.js';
import { DataExportLink } from './data-export.entity.js';
import { readUserData } from './user-data.js';

const LIFETIME_MS = 10 * 60_000;

/** Exports everything that is stored about a user. */
export class DataExportService {
  constructor(
    private readonly fork: () => EntityManager,
    private readonly events: SecurityEvents,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * Creates a token that opens the export once.
   * @throws RateLimitedError
   */
  async request(em: EntityManager, { userId }: Viewer): Promise<{ token: string; expiresAt: Date }> {
    await this.limiter.consume(userId);
    const token = randomBytes(32).toString('base64url');
    const link = new DataExportLink();
    link.hash = hashToken(token);
    link.user = ref(User, userId);
    link.expiresAt = new Date(Date.now() + LIFETIME_MS);
    await em.persist(link).flush();
    return { token, expiresAt: link.expiresAt };
  }

  /** Uses the token. Returns the export as JSON lines; null if the token is unknown, expired or was used. */
  async open(token: string, client: Client): Promise<AsyncIterable<string> | null> {
    const em = this.fork();
    const hash = hashToken(token);
    const userId = await inTransaction(em, async (tx) => {
      const link = await tx.findOne(DataExportLink, { hash });
      // Only one of several concurrent requests deletes the row.
      const deleted = await tx.nativeDelete(DataExportLink, { hash });
      return link && deleted > 0 && link.expiresAt > new Date() ? link.user.id : null;
    });
    if (userId === null) return null;
    await this.events.record(em, { type: 'data_exported', userId, ...toEventOrigin(client) });
    return readUserData(this.fork, userId);
  }

  /** Returns the export of an account for an operator; null if no account has this email. */
  async openByEmail(email: string): Promise<AsyncIterable<string> | null> {
    const em = this.fork();
    const user = await em.findOne(User, { emailKey: toEmailKey(email) }, { fields: ['id'] });
    if (!user) return null;
    await this.events.record(em, { type: 'data_exported', userId: user.id });
    return readUserData(this.fork, user.id);
  }

  /** Deletes links that were not used in time. Returns the number of deleted rows. */
  cleanUp(em: EntityManager): Promise<number> {
    return em.nativeDelete(DataExportLink, { expiresAt: { $lt: new Date() } });
  }
}

/** It needs no salt or slow hash: 256 random bits cannot be guessed. */
const hashToken = (token: string): string => createHash('sha256').update(token).digest('base64url');
