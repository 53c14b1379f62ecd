/**
 * Returns an origin as browsers write it in the Origin header; null if the text is not an origin. The scheme is http or
 * https, whose host may begin with `*.`, or one that app shells and browser extensions define, such as
 * capacitor://localhost.
 */
export function parseOrigin(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, host, pathname, search, hash, username, password, origin } = new URL(text);
  if (!host || !['', '/'].includes(pathname) || search || hash || username || password) return null;
  if (/^https?:$/.test(protocol)) return /^(\*\.)?[^*]+$/.test(host) ? origin : null;
  // The URL Standard defines no origin for other schemes, but browsers send their scheme and host. A page of a file, a
  // WebSocket or FTP has no such origin.
  return origin === 'null' && protocol !== 'file:' && /^[\w.:-]+$/.test(host) ? `${protocol}//${host}` : null;
}
