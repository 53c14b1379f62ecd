import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { UnavailableError } from '../platform/errors/api-error.js';
import type { Logger } from '../platform/telemetry/log.js';
import { IdentityTokenRejectedError } from './auth.errors.js';
import { KeysUnavailable } from './identity-keys.js';

/**
 * Signatures of public keys only. A token that names another algorithm, such as `none` or HS256 with the public key as
 * its secret, is rejected before a key is looked up (RFC 8725, section 3.1).
 */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519'];

const CLOCK_TOLERANCE_SECONDS = 60;

/** The limit of OpenID Connect for `sub`, in ASCII characters. */
const MAX_SUBJECT_LENGTH = 255;

/** What an identity token says about a user. */
export interface IdentityClaims {
  issuer: string;
  subject: string;
  email: string | null;
  emailVerified: boolean;
  name: string | null;
}

/** Verifies ID tokens of OpenID Connect. */
export class IdentityTokens {
  constructor(
    private readonly expected: { issuer: string; audience: string },
    private readonly findKey: JWTVerifyGetKey,
    private readonly log: Logger,
  ) {}

  /**
   * @throws IdentityTokenRejectedError if the token is not valid.
   * @throws UnavailableError if the keys of the identity provider cannot be fetched.
   */
  async verify(token: string): Promise<IdentityClaims> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.findKey, {
        ...this.expected,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['sub', 'iat', 'exp'],
      });
      // Other tokens for the same audience: access tokens (at+jwt), and logout tokens, which have events.
      if (!/^JWT$/i.test(String(protectedHeader.typ ?? 'JWT')) || 'events' in payload)
        throw new errors.JWTInvalid('Not an ID token.');
      return toClaims(payload);
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new IdentityTokenRejectedError(error.code);
      if (!(error instanceof KeysUnavailable)) throw error;
      this.log.error({ err: error }, 'Could not verify an identity token.');
      throw new UnavailableError('The identity provider is not reachable at the moment; try again.');
    }
  }
}

function toClaims({ iss, sub, iat, email, email_verified: verified, name }: JWTPayload): IdentityClaims {
  // jwtVerify does not check its type.
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT_LENGTH || !/^[\x20-\x7e]+$/.test(sub))
    throw new errors.JWTClaimValidationFailed('Invalid subject.', {}, 'sub');
  if (iat! > Date.now() / 1000 + CLOCK_TOLERANCE_SECONDS)
    throw new errors.JWTClaimValidationFailed('Issued in the future.', {}, 'iat');
  return {
    issuer: iss!,
    subject: sub,
    email: typeof email === 'string' ? email : null,
    // Some providers send a text.
    emailVerified: verified === true || verified === 'true',
    name: typeof name === 'string' ? name : null,
  };
}
