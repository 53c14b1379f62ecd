import type { Configuration } from '../platform/config/configuration.js';
import type { CreateRateLimiter } from '../platform/limits/rate-limiter.js';
import { AuthLimits } from './auth-limits.js';
import type { SecurityEvents } from './security-events.js';

/** The factors by which the limit and the window of RATE_LIMIT_AUTH grow when logins from one address keep failing. */
const BACKOFF = [
  { limit: 1, window: 1 },
  { limit: 2, window: 10 },
  { limit: 4, window: 60 },
];

/** Mails: the factor of the window of RATE_LIMIT_AUTH, and the part of its limit that one email may use. */
const MAILS = { window: 60, share: 0.25 };

/** Creates the limiters of RATE_LIMIT_AUTH, RATE_LIMIT_REGISTER, RATE_LIMIT_REGISTER_TOTAL and GUEST_SESSIONS_PER_ADDRESS. */
export function createAuthLimits(
  { rateLimits, guests }: Pick<Configuration, 'rateLimits' | 'guests'>,
  events: SecurityEvents,
  rateLimiters: CreateRateLimiter,
): AuthLimits {
  const report = (limit: string, by: 'address' | 'email' | 'user' | 'all', more: { address?: string } = {}) =>
    events.report({ type: 'limit_reached', limit, by, userId: null, ...more });
  const { auth, register, registerTotal } = rateLimits;
  // Keys that contain an email are not logged.
  return new AuthLimits({
    perAddress: rateLimiters('auth:address', auth, (address) => report('RATE_LIMIT_AUTH', 'address', { address })),
    perEmail: rateLimiters('auth:email', auth, () => report('RATE_LIMIT_AUTH', 'email')),
    perEmailAndAddress: BACKOFF.map((factor, i) =>
      rateLimiters(
        `auth:login:${i}`,
        auth && { limit: auth.limit * factor.limit, window: auth.window * factor.window },
        () => report('RATE_LIMIT_AUTH', 'email'),
      ),
    ),
    confirmations: rateLimiters('auth:confirm', auth, () => report('RATE_LIMIT_AUTH', 'user')),
    registrationsPerAddress: rateLimiters('register:address', register, (address) =>
      report('RATE_LIMIT_REGISTER', 'address', { address }),
    ),
    registrations: rateLimiters('register:total', registerTotal, () => report('RATE_LIMIT_REGISTER_TOTAL', 'all')),
    mailsPerAddress: rateLimiters('mail:address', auth && { ...auth, window: auth.window * MAILS.window }, (address) =>
      report('RATE_LIMIT_AUTH', 'address', { address }),
    ),
    mailsPerEmail: rateLimiters(
      'mail:email',
      auth && { limit: Math.ceil(auth.limit * MAILS.share), window: auth.window * MAILS.window },
      () => report('RATE_LIMIT_AUTH', 'email'),
    ),
    guestsPerAddress: rateLimiters('guests:address', guests?.sessionsPerAddress ?? null, (address) =>
      report('GUEST_SESSIONS_PER_ADDRESS', 'address', { address }),
    ),
  });
}
