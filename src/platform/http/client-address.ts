import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

/**
 * Whom a request comes from, as far as `proxies` of our own in front can tell: with none, X-Forwarded-For is whatever
 * the client wrote, and the socket's address counts. An IPv6 address is cut to its /64, which is what one customer of
 * a network gets: whoever has it has 2^64 addresses.
 */
export function clientAddress(request: IncomingMessage, proxies: number): string {
  // Some proxies write the port, too.
  const address = proxyAddr(request, (_address, hop) => hop < proxies)?.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  if (!address || !ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6
    ? `${parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')}::/64`
    : parsed.toString();
}
