import { isSessionMissing, post } from './http';
import { getState, noteResult, signOut } from './state';

/** How long before it expires an access token is renewed. */
const MARGIN_MS = 10_000;

const REFRESH = `mutation ($input: RefreshTokensInput!) {
  refreshTokens(input: $input) { accessToken accessTokenExpiresAt refreshToken user { email } }
}`;

/** Returns the header of the signed-in account, with a token that is valid for a while. */
export async function authorization(): Promise<{ authorization?: string }> {
  const { account } = getState();
  if (!account) return {};
  const { accessTokenExpiresAt } = account;
  if (accessTokenExpiresAt && Date.parse(accessTokenExpiresAt) - Date.now() < MARGIN_MS) await renew();
  const { accessToken } = getState().account ?? {};
  return accessToken ? { authorization: `Bearer ${accessToken}` } : {};
}

let renewing: Promise<boolean> | undefined;

/** Renews the tokens. Resolves to false if that is not possible. Concurrent callers share one request. */
export function renew(): Promise<boolean> {
  renewing ??= refresh().finally(() => (renewing = undefined));
  return renewing;
}

async function refresh(): Promise<boolean> {
  const refreshToken = getState().account?.refreshToken;
  if (!refreshToken) return false;
  const result = await post({ query: REFRESH, variables: { input: { refreshToken } } });
  if (isSessionMissing(result)) signOut();
  else noteResult(result.data, null);
  return !result.errors;
}
