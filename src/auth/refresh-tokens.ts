import { createHash, randomBytes } from 'node:crypto';

/** A new refresh token: 256 random bits in base64url. */
export const newRefreshToken = (): string => randomBytes(32).toString('base64url');

/** What is stored of a refresh token. A plain hash will do: there is nothing to guess in 256 random bits. */
export const hashRefreshToken = (token: string): string => createHash('sha256').update(token).digest('base64url');
