import { existsSync } from 'node:fs';

/** Reads `.env` into the environment, in development; what is set already stays. */
export function loadEnvFile(): void {
  if (process.env['NODE_ENV'] !== 'production' && existsSync('.env')) process.loadEnvFile('.env');
}
