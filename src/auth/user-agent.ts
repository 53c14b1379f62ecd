/** In UTF-16 code units. */
const MAX_LENGTH = 400;

/** Converts a User-Agent header for storage. */
export const toStoredUserAgent = (userAgent: string | null): string | null =>
  userAgent?.toWellFormed().replaceAll('\0', '').slice(0, MAX_LENGTH) ?? null;
