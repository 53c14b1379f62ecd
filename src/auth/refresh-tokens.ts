import { createHash, randomBytes } from 'node:crypto';

/** Creates a refresh token: 256 random bits in base64url. */
export const createRefreshToken = (): string => randomBytes(32).toString('base64url');

/** Hashes a refresh token for storage. It needs no salt or slow hash: 256 random bits cannot be guessed. */
export const hashRefreshToken = (token: string): string => createHash('sha256').update(token).digest('base64url');
