import { domainToASCII } from 'node:url';
import type { Migration } from '@mikro-orm/migrations';
import { printNotice } from '../platform/telemetry/notice.js';

const BATCH_SIZE = 500;

interface Row {
  id: string;
  email: string;
  key: string;
}

/** The key before Migration20261126083000. */
export const toFormerKey = (email: string): string => email.normalize('NFC').toLowerCase();

/** The key since Migration20261126083000: the domain in Punycode. */
export function toPunycodeKey(email: string): string {
  const address = toFormerKey(email.trim());
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  return address.slice(0, at) + (domainToASCII(domain) || domain);
}

/**
 * Computes the keys of all emails again, the oldest account first. If another account has the new key, this account
 * keeps its former key, and standard error names it (decision 0027).
 */
export async function updateEmailKeys(migration: Migration, toKey: (email: string) => string): Promise<void> {
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const rows = (await migration.execute(
      `select id, email, email_key as key from users where id > ? order by id limit ${BATCH_SIZE}`,
      [after],
    )) as Row[];
    for (const { id, email, key } of rows) await updateKey(migration, { id, email, key }, toKey(email));
    if (rows.length < BATCH_SIZE) return;
    after = rows.at(-1)!.id;
  }
}

async function updateKey(migration: Migration, { id, key }: Row, newKey: string): Promise<void> {
  if (newKey === key) return;
  const [holder] = (await migration.execute('select id from users where email_key = ?', [newKey])) as { id: string }[];
  if (holder)
    printNotice(`The accounts ${holder.id} and ${id} have the same email. Set another one for ${id}: decision 0027.`);
  else await migration.execute('update users set email_key = ? where id = ?', [newKey, id]);
}
