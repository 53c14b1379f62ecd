import { createSecretKey } from 'node:crypto';
import jwt from 'jsonwebtoken';

export interface AccessClaims {
  sub: string;
  sid: string;
  ver: number;
}

const key = createSecretKey(process.env['JWT_SECRET']!, 'utf8');

/** Returns the claims of an Authorization header. @throws Error if the token is invalid or expired */
export const verifyToken = (authorization: string | undefined): AccessClaims =>
  jwt.verify(authorization?.slice('Bearer '.length) ?? '', key, { algorithms: ['HS256'], issuer: 'parley' }) as never;
