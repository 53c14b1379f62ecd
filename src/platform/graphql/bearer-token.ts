/** Returns the token of an Authorization header (RFC 6750); null when there is none. */
export const parseBearerToken = (authorization: string | null | undefined): string | null =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
