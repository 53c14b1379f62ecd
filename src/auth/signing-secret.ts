import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Configuration } from '../platform/config/configuration.js';

const FILE_NAME = 'jwt-secret';

/** Used with PostgreSQL, where there is no folder of the database file. */
const DEFAULT_FOLDER = './data';

/**
 * Returns the secret that signs access tokens. If JWT_SECRET is not set (development only), the first start creates a
 * secret and stores it next to the database, readable by the owner only, so that sessions survive a restart.
 */
export function loadSigningSecret({ auth, database }: Pick<Configuration, 'auth' | 'database'>): string {
  if (auth.jwtSecret) return auth.jwtSecret;
  const isFile = database.dialect === 'sqlite';
  if (isFile && database.path === ':memory:') return randomBytes(48).toString('base64');
  const file = join(isFile ? dirname(database.path) : DEFAULT_FOLDER, FILE_NAME);
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync(file)) {
    // Write a draft, then link it: if two servers start at once, one link succeeds and both read the same file.
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, randomBytes(48).toString('base64'), { mode: 0o600 });
    try {
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  }
  return readFileSync(file, 'utf8');
}
