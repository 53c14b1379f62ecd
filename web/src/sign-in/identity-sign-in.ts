/**
 * Sign-in at the operator's identity provider: the authorization code flow of OpenID Connect with PKCE (RFC 7636), for a
 * public client. The server verifies the ID token; here it is only made sure that it belongs to this attempt.
 */
import type { IdentityProvider } from '../shell/server-facts.js';

/** What is kept while the user is at the identity provider. */
interface Attempt {
  state: string;
  nonce: string;
  verifier: string;
  /** Where the user continues. */
  from: string;
}

const KEY = 'parley.identity';

/** The answer of the identity provider does not belong to an attempt of this tab, or reports an error. */
export class IdentityError extends Error {}

/** Opens the login page of the identity provider, which returns to `/identity`. */
export async function startIdentitySignIn(provider: IdentityProvider, from: string): Promise<void> {
  const attempt: Attempt = { state: createSecret(), nonce: createSecret(), verifier: createSecret(), from };
  const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(attempt.verifier));
  const url = new URL(provider.authorizationUrl);
  const parameters = {
    response_type: 'code',
    client_id: provider.clientId,
    redirect_uri: getRedirectUri(),
    scope: 'openid email profile',
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: toBase64Url(new Uint8Array(challenge)),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  sessionStorage.setItem(KEY, JSON.stringify(attempt));
  location.assign(url);
}

/**
 * Exchanges the code in the address for an ID token, once.
 * @throws IdentityError if the user has cancelled, or the address was not opened by the identity provider
 * @throws TypeError if the identity provider cannot be reached, or does not allow this origin (CORS)
 */
export async function finishIdentitySignIn(
  provider: IdentityProvider,
  query: URLSearchParams,
): Promise<{ token: string; from: string }> {
  const attempt = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Attempt | null;
  sessionStorage.removeItem(KEY);
  const code = query.get('code');
  // Otherwise a link could sign the user in to the account of another person.
  if (!attempt || !code || query.get('state') !== attempt.state) throw new IdentityError(query.get('error') ?? 'state');
  const response = await fetch(provider.tokenUrl, {
    method: 'POST',
    credentials: 'omit',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: provider.clientId,
      redirect_uri: getRedirectUri(),
      code,
      code_verifier: attempt.verifier,
    }),
  });
  const { id_token: token } = (await response.json()) as { id_token?: unknown };
  if (!response.ok || typeof token !== 'string') throw new IdentityError('token');
  if (readNonce(token) !== attempt.nonce) throw new IdentityError('nonce');
  return { token, from: attempt.from };
}

const getRedirectUri = (): string => `${location.origin}/identity`;

const createSecret = (): string => toBase64Url(crypto.getRandomValues(new Uint8Array(32)));

const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

function readNonce(token: string): unknown {
  const payload = token.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '';
  return (JSON.parse(atob(payload)) as { nonce?: unknown }).nonce;
}
