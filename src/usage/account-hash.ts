import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Role } from '../auth/role.js';
import type { EntityManager } from '../platform/db/orm.js';

/** Not in the alphabet of the hash. */
const GUEST_PREFIX = 'guest:';

export const isGuestAccount = (account: string): boolean => account.startsWith(GUEST_PREFIX);

const MAX_CACHED_ACCOUNTS = 10_000;

/**
 * Names accounts by a keyed hash of their email, so that the tokens of a day survive the deletion of an account, and
 * the email cannot be computed from the name. An account without an email is named by its id. The name of a guest tells
 * that it is one, because other limits apply to guests.
 */
export class AccountHashes {
  readonly #known = new LRUCache<string, string>({ max: MAX_CACHED_ACCOUNTS });

  /** @param secret the same on all instances; with another secret, the counts of the day start again */
  constructor(private readonly secret: string) {}

  async get(em: EntityManager, userId: string): Promise<string> {
    const known = this.#known.get(userId);
    if (known) return known;
    const [user] = await em.execute<{ email_key: string | null; role: string }[]>(
      'select email_key, role from users where id = ?',
      [userId],
    );
    const name = user?.email_key ?? userId;
    const hash = createHmac('sha256', this.secret).update(`daily tokens of ${name}`).digest('base64url');
    const isGuest = user?.role === Role.GUEST;
    const account = isGuest ? `${GUEST_PREFIX}${hash}` : hash;
    // An account that has no email yet may get one. A guest never does: an account claims it.
    if (isGuest || name !== userId) this.#known.set(userId, account);
    return account;
  }
}
