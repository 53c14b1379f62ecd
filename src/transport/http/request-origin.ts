import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import proxyAddr from 'proxy-addr';
import type { RequestOrigin } from '../../platform/graphql/context.js';
import { getRequestId } from './request-id.js';

/** Reads where a request comes from. @param authorization the header of this name unless given */
export type OriginReader = (request: IncomingMessage, authorization?: string | null) => RequestOrigin;

/** @param proxies number of trusted proxies in front of the server */
export const createOriginReader =
  (proxies: number): OriginReader =>
  (request, authorization = request.headers.authorization ?? null) => ({
    requestId: getRequestId(request),
    authorization,
    userAgent: request.headers['user-agent'] ?? null,
    acceptLanguage: request.headers['accept-language'] ?? null,
    address: readClientAddress(request, proxies),
    baseUrl: readBaseUrl(request, proxies),
    isConnected: () => !request.socket.destroyed,
  });

/** Empty without a Host header, so that links are relative. Proxies set X-Forwarded-Proto. */
function readBaseUrl({ headers }: IncomingMessage, proxies: number): string {
  const host = headers.host ?? '';
  if (!/^[\w.:[\]-]+$/.test(host)) return '';
  const forwarded = proxies > 0 ? headers['x-forwarded-proto'] : undefined;
  return `${forwarded === 'https' ? 'https' : 'http'}://${host}`;
}

/**
 * Returns the client's IP address, trusting `proxies` hops. Without proxies X-Forwarded-For is ignored, because the
 * client controls it.
 */
const readClientAddress = (request: IncomingMessage, proxies: number): string => {
  if (proxies === 0) return toAddressKey(request.socket.remoteAddress);
  // Some proxies append the port.
  return toAddressKey(
    proxyAddr(request, (_address, hop) => hop < proxies)?.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1'),
  );
};

/**
 * Returns what clients are counted by. IPv6 addresses are truncated to their /64 prefix, because a network assigns a
 * customer a whole /64, with 2^64 addresses.
 */
export function toAddressKey(address = ''): string {
  let key = address.length <= MAX_ADDRESS_LENGTH ? keys.get(address) : undefined;
  if (key === undefined) {
    key = computeAddressKey(address);
    if (address.length <= MAX_ADDRESS_LENGTH) keys.set(address, key);
  }
  return key;
}

/** By address: each request needs its own several times. */
const keys = new LRUCache<string, string>({ max: 1_000 });
const MAX_ADDRESS_LENGTH = 64;

function computeAddressKey(address: string): string {
  if (!address || !ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6
    ? `${parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')}::/64`
    : parsed.toString();
}
