import { existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DatabaseConfiguration } from '../../platform/config/configuration.js';
import type { Finding } from '../finding.js';

const SUBJECT = 'Disk';
const MIN_BYTES = 100e6;
const ENOUGH_BYTES = 1e9;

/** Checks the free space for the SQLite file. */
export function checkDisk(database: DatabaseConfiguration): Finding {
  if (database.dialect === 'postgresql' || database.path === ':memory:')
    return { subject: SUBJECT, state: 'skipped', text: 'the server stores no files' };
  const folder = findExisting(dirname(resolve(database.path)));
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const text = `${(free / 1e9).toFixed(1)} GB free in ${folder}`;
  if (free < MIN_BYTES) return { subject: SUBJECT, state: 'failed', text: `${text}: free some space` };
  if (free < ENOUGH_BYTES) return { subject: SUBJECT, state: 'warning', text: `${text}: free some space soon` };
  return { subject: SUBJECT, state: 'ok', text };
}

const findExisting = (folder: string): string => (existsSync(folder) ? folder : findExisting(dirname(folder)));
