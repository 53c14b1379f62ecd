import type { ServerResponse } from 'node:http';

/**
 * Sets the headers that Helmet sets, as far as they apply to an API. Pages override the policy. The proxy in front, which
 * knows whether TLS is used, sets Strict-Transport-Security.
 */
export function setSecurityHeaders(response: ServerResponse): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  // Does not apply to requests with CORS.
  response.setHeader('cross-origin-resource-policy', 'same-origin');
}

/** For the playground: it loads only its own files. The editor adds inline styles and starts workers. */
export const PLAYGROUND_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * For the web chat: it loads only its own files, and has no inline scripts and styles.
 * @param connectUrls what it may call besides this server
 */
export const createWebChatPolicy = (connectUrls: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    ["connect-src 'self'", ...connectUrls.map(toSource)].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** Returns a URL as a source expression, which has no query, and in which `;` and `,` end a directive and a policy. */
function toSource(address: string): string {
  const { origin, pathname } = new URL(address);
  return origin + pathname.replaceAll(';', '%3B').replaceAll(',', '%2C');
}
