import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { toProxy, type ProxyConfiguration } from './provider.js';
import { httpUrl } from './values.js';

export interface IdentityConfiguration {
  /** The `iss` claim of its tokens. */
  issuer: string;
  /** The `aud` claim: usually the id of the client. */
  audience: string;
  /** Where the public keys come from. */
  keys: { url: string; proxy: ProxyConfiguration } | { jwks: { keys: Record<string, unknown>[] } };
  /** Whether identities are linked to accounts with the same verified email. */
  linksVerified: boolean;
}

/** A public key: no `d` (private), no `k` (symmetric). */
const publicKey = z.looseObject({ kty: z.string() }).refine((key) => !('d' in key) && !('k' in key));

const jwksFile = z.string().transform((path, context) => {
  const reject = (message: string) => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return reject(`cannot read the file "${path}"; check its path and permissions`);
  }
  try {
    const result = z.object({ keys: z.array(publicKey).min(1) }).safeParse(JSON.parse(text));
    if (result.success) return result.data;
  } catch {
    // Not JSON.
  }
  return reject(`the file "${path}" is not a JSON Web Key Set with public keys only, such as {"keys":[…]}`);
});

export const identitySettings = {
  REGISTRATION: z
    .enum(['open', 'closed', 'identity'], { error: 'unknown value; use open, closed or identity' })
    .default('open'),
  IDENTITY_ISSUER: z.string().optional(),
  IDENTITY_AUDIENCE: z.string().optional(),
  IDENTITY_JWKS_URL: httpUrl.optional(),
  IDENTITY_JWKS_FILE: jwksFile.optional(),
  IDENTITY_LINK: z.enum(['verified', 'off'], { error: 'unknown value; use verified or off' }).default('off'),
};

interface IdentityValues extends ProxyConfiguration {
  IDENTITY_ISSUER?: string;
  IDENTITY_AUDIENCE?: string;
  IDENTITY_JWKS_URL?: string;
  IDENTITY_JWKS_FILE?: { keys: Record<string, unknown>[] };
  IDENTITY_LINK: 'verified' | 'off';
}

/** Returns null if no identity provider is configured. */
export function toIdentityConfiguration({
  IDENTITY_ISSUER: issuer,
  IDENTITY_AUDIENCE: audience,
  IDENTITY_JWKS_URL: url,
  IDENTITY_JWKS_FILE: jwks,
  IDENTITY_LINK,
  ...others
}: IdentityValues): IdentityConfiguration | null {
  const keys = url ? { url, proxy: toProxy(others) } : jwks ? { jwks } : null;
  if (!issuer || !audience || !keys) return null;
  return { issuer, audience, keys, linksVerified: IDENTITY_LINK === 'verified' };
}

/** Returns what is missing among the settings of the identity provider. */
export function findMissingIdentitySettings(given: Record<string, string | undefined>): string[] {
  const names = ['IDENTITY_ISSUER', 'IDENTITY_AUDIENCE', 'IDENTITY_JWKS_URL', 'IDENTITY_JWKS_FILE'];
  const isUsed = names.some((name) => given[name]);
  if (!isUsed)
    return given['REGISTRATION'] === 'identity'
      ? ['IDENTITY_ISSUER: required with REGISTRATION=identity, which admits only its users']
      : [];
  const missing = names.slice(0, 2).filter((name) => !given[name]);
  const mistakes = missing.map((name) => `${name}: required with the other IDENTITY_ settings`);
  if (!given['IDENTITY_JWKS_URL'] && !given['IDENTITY_JWKS_FILE'])
    mistakes.push('IDENTITY_JWKS_URL: set this, or IDENTITY_JWKS_FILE, so that tokens can be verified');
  if (given['IDENTITY_JWKS_URL'] && given['IDENTITY_JWKS_FILE'])
    mistakes.push('IDENTITY_JWKS_FILE: IDENTITY_JWKS_URL is set too; use only one of them');
  return mistakes;
}
