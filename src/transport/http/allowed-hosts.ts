import type { IncomingMessage } from 'node:http';
import { isLoopback, LOOPBACK } from '../../platform/net/loopback.js';

/** Whether the Host header of a request names this server. */
export type HostCheck = (request: IncomingMessage) => boolean;

/**
 * Creates a check against DNS rebinding: a page whose name resolves to a loopback address could otherwise send requests
 * to a server in development as its own origin. A server on another address is reached by names that it does not know.
 * @param corsOrigins their hosts are allowed as well, for development behind a proxy
 */
export function createHostCheck(host: string, corsOrigins: readonly string[]): HostCheck {
  const own = toHostname(`http://${host.includes(':') ? `[${host}]` : host}`);
  if (own === null || !isLoopback(own)) return () => true;
  const allowed = new Set([...LOOPBACK, own, ...corsOrigins.map(toHostname)]);
  return ({ headers }) => {
    const name = toHostname(`http://${headers.host ?? ''}`);
    if (name === null) return false;
    // A name without a dot is not public, so no page of an attacker has it.
    return allowed.has(name) || name.endsWith('.localhost') || /^[\w-]+$/.test(name);
  };
}

const toHostname = (url: string): string | null => (URL.canParse(url) ? new URL(url).hostname : null);
