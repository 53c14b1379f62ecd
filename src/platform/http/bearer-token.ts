/** The token of an Authorization header (RFC 6750); null where there is none. */
export const bearerTokenOf = (authorization: string | null | undefined): string | null =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
