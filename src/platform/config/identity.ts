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
  /** What the web chat needs to sign users in. Null: it offers no sign-in at the identity provider. */
  signIn: IdentitySignIn | null;
}

export interface IdentitySignIn {
  /** The name of the login, on the button. */
  name: string;
  authorizationUrl: string;
  tokenUrl: string;
  /** The id of a public client, without a secret. */
  clientId: string;
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
  IDENTITY_AUTHORIZATION_URL: httpUrl.optional(),
  IDENTITY_TOKEN_URL: httpUrl.optional(),
  IDENTITY_CLIENT_ID: z.string().optional(),
  IDENTITY_NAME: z.string().max(60, { error: 'too long; use at most 60 characters' }).optional(),
  IDENTITY_LINK: z.enum(['verified', 'off'], { error: 'unknown value; use verified or off' }).default('off'),
};

interface IdentityValues extends ProxyConfiguration {
  IDENTITY_ISSUER?: string;
  IDENTITY_AUDIENCE?: string;
  IDENTITY_JWKS_URL?: string;
  IDENTITY_JWKS_FILE?: { keys: Record<string, unknown>[] };
  IDENTITY_AUTHORIZATION_URL?: string;
  IDENTITY_TOKEN_URL?: string;
  IDENTITY_CLIENT_ID?: string;
  IDENTITY_NAME?: string;
  IDENTITY_LINK: 'verified' | 'off';
}

/** Returns null if no identity provider is configured. */
export function toIdentityConfiguration({
  IDENTITY_ISSUER: issuer,
  IDENTITY_AUDIENCE: audience,
  IDENTITY_JWKS_URL: url,
  IDENTITY_JWKS_FILE: jwks,
  IDENTITY_AUTHORIZATION_URL: authorizationUrl,
  IDENTITY_TOKEN_URL: tokenUrl,
  IDENTITY_CLIENT_ID: clientId,
  IDENTITY_NAME: name,
  IDENTITY_LINK,
  ...others
}: IdentityValues): IdentityConfiguration | null {
  const keys = url ? { url, proxy: toProxy(others) } : jwks ? { jwks } : null;
  if (!issuer || !audience || !keys) return null;
  const signIn =
    authorizationUrl && tokenUrl
      ? { name: name ?? URL.parse(issuer)?.host ?? issuer, authorizationUrl, tokenUrl, clientId: clientId ?? audience }
      : null;
  return { issuer, audience, keys, linksVerified: IDENTITY_LINK === 'verified', signIn };
}

/** Returns what is missing among the settings of the identity provider. */
export function findMissingIdentitySettings(given: Record<string, string | undefined>): string[] {
  const endpoints = ['IDENTITY_AUTHORIZATION_URL', 'IDENTITY_TOKEN_URL'];
  const names = ['IDENTITY_ISSUER', 'IDENTITY_AUDIENCE', 'IDENTITY_JWKS_URL', 'IDENTITY_JWKS_FILE', ...endpoints];
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
  const [unset, ...others] = endpoints.filter((name) => !given[name]);
  if (unset && others.length === 0)
    mistakes.push(`${unset}: required for the sign-in of the web chat, with ${endpoints.find((name) => given[name])}`);
  return mistakes;
}
