import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Configuration } from '../platform/config/configuration.js';

/** The file's name, in the database's folder. */
const FILE = 'jwt-secret';

/** The folder where PostgreSQL is the database, which has no file to lie beside. */
const FOLDER = './data';

/**
 * The secret that access tokens are signed with. Where none is set (development only) one is made at the first start
 * and kept beside the database, readable by its owner alone, so that a restart signs nobody out.
 */
export function signingSecret({ auth, database }: Pick<Configuration, 'auth' | 'database'>): string {
  if (auth.jwtSecret) return auth.jwtSecret;
  const isFile = database.dialect === 'sqlite';
  if (isFile && database.path === ':memory:') return randomBytes(48).toString('base64');
  const file = join(isFile ? dirname(database.path) : FOLDER, FILE);
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync(file)) {
    // Written elsewhere first, and linked when it is whole: of two servers that start at once one wins, and both read the same.
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
