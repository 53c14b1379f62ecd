import { createHmac } from 'node:crypto';

/**
 * Shortens the address of a client, as request-origin.ts writes it, for storage: an IPv4 address to its /24, an IPv6 /64
 * to its /48. Returns null if it is unknown.
 */
export function shortenAddress(address: string): string | null {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
  return address.includes('::/64') ? `${address.split(':').slice(0, 3).join(':')}::/48` : null;
}

/** Returns a value that identifies the address among those of one user, and does not reveal it. */
export const hashAddress = (secret: string, userId: string, address: string): string =>
  createHmac('sha256', secret).update(`address of ${userId}: ${address}`).digest('base64url');
