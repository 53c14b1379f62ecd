import { ref, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { ForbiddenError } from '../platform/errors/api-error.js';
import { isBlank, toVisibleText } from '../platform/graphql/visible-text.js';
import { AccountDisabledError, IdentityTokenRejectedError } from './auth.errors.js';
import type { AuthLimits } from './auth-limits.js';
import { MAX_NAME_LENGTH, type AuthPayload, type ExchangeIdentityTokenInput } from './auth.types.js';
import { isValidEmail, toEmailKey } from './email.js';
import type { ClaimedGuest, GuestService } from './guest.service.js';
import { Identity } from './identity.entity.js';
import type { IdentityClaims, IdentityTokens } from './identity-tokens.js';
import { toEventOrigin, type SecurityEvents } from './security-events.js';
import type { SessionService, StartedSession } from './session.service.js';
import { User } from './user.entity.js';
import type { Client } from './viewer.js';

/** How often an exchange is repeated that a concurrent one for the same user or email has made fail. */
const MAX_ATTEMPTS = 3;

interface Exchange {
  payload: StartedSession;
  claimed: ClaimedGuest | null;
  /** How the account was found. */
  found: 'known' | 'linked' | 'created';
}

/** Signs in users of the operator's own login. */
export class IdentityService {
  constructor(
    private readonly services: {
      sessions: SessionService;
      limits: AuthLimits;
      events: SecurityEvents;
      guests: GuestService;
      /** Null if no identity provider is configured. */
      tokens: IdentityTokens | null;
      /** Whether identities become accounts. */
      isOpen: boolean;
      /** Whether an identity is linked to an existing account if both sides have verified the same email. */
      linksVerified: boolean;
    },
  ) {}

  /**
   * Exchanges an identity token for a session. The first exchange of a user creates an account, or links an existing one.
   * @throws ForbiddenError if no identity provider is configured, or if the user is new and registration is closed.
   * @throws UnauthenticatedError if the token is not valid.
   * @throws UnavailableError if the identity provider is not reachable.
   * @throws InvalidClaimError, AccountDisabledError, RateLimitedError
   */
  async exchange(
    em: EntityManager,
    { token, claim }: ExchangeIdentityTokenInput,
    client: Client,
  ): Promise<AuthPayload> {
    const { limits, events, guests, tokens } = this.services;
    if (!tokens) throw new ForbiddenError('This server has no identity provider; register or sign in.');
    await limits.countAttempt(client.address);
    const from = toEventOrigin(client);
    const claims = await tokens.verify(token).catch((error: unknown) => {
      if (error instanceof IdentityTokenRejectedError)
        events.report({ type: 'identity_token_rejected', reason: error.reason, userId: null, ...from });
      throw error;
    });
    const { payload, claimed, found } = await this.#signIn(em, claims, claim ?? null, client);
    const { sessionId, user } = payload;
    if (found === 'linked') await events.record(em, { type: 'identity_linked', userId: user.id, ...from });
    const type = found === 'created' ? 'registered' : 'signed_in';
    await events.record(em, { type, userId: user.id, sessionId, ...from });
    await guests.announce(em, claimed, from);
    return payload;
  }

  async #signIn(em: EntityManager, claims: IdentityClaims, claim: string | null, client: Client): Promise<Exchange> {
    const { sessions, guests } = this.services;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await inTransaction(em, async (tx) => {
          const { user, found } = await this.#findOrCreate(tx, claims);
          if (user.disabledAt) throw new AccountDisabledError();
          const payload = sessions.start(tx, user, client);
          await tx.flush();
          const from = toEventOrigin(client);
          return { payload, found, claimed: claim === null ? null : await guests.claim(tx, claim, user, from) };
        });
      } catch (error) {
        if (!(error instanceof UniqueConstraintViolationException) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #findOrCreate(tx: EntityManager, claims: IdentityClaims): Promise<{ user: User; found: Exchange['found'] }> {
    const { issuer, subject } = claims;
    const identity = await tx.findOne(Identity, { issuer, subject }, { populate: ['user'] });
    const email = claims.email !== null && isValidEmail(claims.email) ? claims.email.trim() : null;
    const emailKey = email && toEmailKey(email);
    if (identity) {
      const user = identity.user.unwrap();
      if (claims.emailVerified && emailKey !== null && user.emailKey === emailKey) user.emailVerifiedAt ??= new Date();
      return { user, found: 'known' };
    }
    if (!this.services.isOpen) throw new ForbiddenError('Registration is closed; contact the operator of this server.');
    const owner = emailKey === null ? null : await tx.findOne(User, { emailKey });
    const isSame = owner?.emailVerifiedAt != null && claims.emailVerified;
    const linked = this.services.linksVerified && isSame ? owner : null;
    const user = linked ?? createUser(claims, owner ? null : email);
    const created = new Identity();
    created.issuer = issuer;
    created.subject = subject;
    created.user = ref(user);
    tx.persist([user, created]);
    return { user, found: linked ? 'linked' : 'created' };
  }
}

/** @param email null if there is none that is free */
function createUser({ emailVerified, name }: IdentityClaims, email: string | null): User {
  const user = new User();
  user.email = email;
  user.emailKey = email && toEmailKey(email);
  user.emailVerifiedAt = email && emailVerified ? new Date() : null;
  user.name = toDisplayName(name);
  return user;
}

/** Applies the rules for names that users choose. */
function toDisplayName(name: string | null): string | null {
  const visible = toVisibleText((name ?? '').toWellFormed()).replace(/\p{Cc}/gu, ' ');
  const cut = Array.from(visible.trim()).slice(0, MAX_NAME_LENGTH).join('');
  return isBlank(cut) ? null : cut;
}
