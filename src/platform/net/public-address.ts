import { lookup as lookUp, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether an IP address is one of the Internet: not of this machine, of a private network or of a special purpose. */
export function isPublicAddress(address: string): boolean {
  try {
    // An IPv4 address may be written as an IPv6 one.
    return ipaddr.process(address).range() === 'unicast';
  } catch {
    return false;
  }
}

export class PrivateAddressError extends Error {
  constructor() {
    super('The address is private: set "allowPrivate" if it is meant.');
    this.name = 'PrivateAddressError';
  }
}

/** Throws for a URL whose host is a private address: no name is resolved for it. @throws PrivateAddressError */
export function assertPublicHost({ hostname }: URL): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError();
}

/**
 * Resolves a name as `dns.lookup` does, and fails if one of its addresses is private. The connection is made to the
 * addresses that this returns, so a name that resolves differently a moment later is of no use to an attacker.
 */
export const lookUpPublic: LookupFunction = (hostname, options, callback) => {
  lookUp(hostname, { ...options, all: true }, (error, found) => {
    const addresses = found as LookupAddress[] | undefined;
    if (error) return callback(error, '');
    const [first] = addresses ?? [];
    if (!first || addresses!.some(({ address }) => !isPublicAddress(address)))
      return callback(new PrivateAddressError(), '');
    if (options.all) callback(null, addresses!);
    else callback(null, first.address, first.family);
  });
};
