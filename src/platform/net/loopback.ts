import { isIPv4 } from 'node:net';

/** The usual names of this machine, as in the host of a URL. */
export const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Whether the host of a URL is this machine. */
export const isLoopback = (hostname: string): boolean =>
  LOOPBACK.includes(hostname) || (isIPv4(hostname) && hostname.startsWith('127.'));
