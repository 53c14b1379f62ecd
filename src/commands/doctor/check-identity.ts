import { RemoteKeys } from '../../auth/identity-keys.js';
import type { Configuration } from '../../platform/config/configuration.js';
import type { ProxyConfiguration } from '../../platform/config/provider.js';
import type { Finding } from '../finding.js';

const SUBJECT = 'Identity';

/** Fetches the keys of the identity provider. */
export async function checkIdentity({ identity }: Configuration): Promise<Finding> {
  if (!identity) return { subject: SUBJECT, state: 'skipped', text: 'no login of your own' };
  const { keys } = identity;
  try {
    const count = 'url' in keys ? await countKeys(keys) : keys.jwks.keys.length;
    return { subject: SUBJECT, state: 'ok', text: `${count} ${count === 1 ? 'key' : 'keys'} of ${identity.issuer}` };
  } catch {
    return { subject: SUBJECT, state: 'failed', text: 'cannot fetch the keys: check IDENTITY_JWKS_URL' };
  }
}

async function countKeys({ url, proxy }: { url: string; proxy: ProxyConfiguration }): Promise<number> {
  using keys = new RemoteKeys(new URL(url), proxy);
  return await keys.count();
}
