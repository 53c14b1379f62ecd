import type { EntityClass, EntityMetadata, EntityProperty } from '@mikro-orm/core';
import type { EntityManager, Orm } from './orm.js';
import { toStorableText } from './storable-text.js';

/** Small, since an answer may have a million characters. */
const BATCH_SIZE = 100;

export interface CopiedTable {
  name: string;
  rows: number;
}

/** The copy failed and nothing was written. The message says why. */
export class CopyError extends Error {
  override readonly name = 'CopyError';
}

/**
 * Copies all rows of a SQLite database to a PostgreSQL database with the same, empty tables, in one transaction.
 * Tables are copied in the order of the list of entities, in which a table follows those that it references.
 * @param onProgress called after each batch
 * @throws CopyError if the target contains rows, or if the row counts differ after the copy
 */
export async function copyRows(
  source: Orm,
  target: Orm,
  onProgress: (table: string, copied: number, total: number) => void,
): Promise<CopiedTable[]> {
  const entities = source.config.get<'entities', EntityClass<object>[]>('entities');
  const tables: EntityMetadata[] = entities.map((entity) => source.em.getMetadata().get(entity));
  // One transaction on each side: the source is read as one snapshot, and the target cannot change meanwhile. Not with
  // `transactional`, because both databases would share its async context.
  const [from, to] = [source.em.fork(), target.em.fork()];
  await from.begin();
  await to.begin();
  try {
    await to.execute(`lock table ${tables.map(({ tableName }) => tableName).join(', ')} in exclusive mode`);
    await assertEmpty(to, tables);
    const copied: CopiedTable[] = [];
    for (const meta of tables) {
      const rows = await countRows(from, meta);
      await copyTable(from, to, meta, (done) => onProgress(meta.tableName, done, rows));
      const written = await countRows(to, meta);
      if (written !== rows) throw new CopyError(`Copied ${written} of ${rows} rows of ${meta.tableName}.`);
      copied.push({ name: meta.tableName, rows });
    }
    await to.commit();
    return copied;
  } catch (error) {
    // If the connection is lost, the server rolls back by itself.
    await to.rollback().catch(() => {});
    throw error;
  } finally {
    await from.rollback();
  }
}

async function assertEmpty(to: EntityManager, tables: EntityMetadata[]): Promise<void> {
  for (const meta of tables) {
    const rows = await countRows(to, meta);
    if (rows > 0)
      throw new CopyError(`The target database already has ${rows} rows in ${meta.tableName}. Use an empty one.`);
  }
}

async function copyTable(
  from: EntityManager,
  to: EntityManager,
  meta: EntityMetadata,
  onCopied: (rows: number) => void,
): Promise<void> {
  const columns = meta.props.filter(({ fieldNames, persist }) => fieldNames && persist !== false);
  // Quoted, since `offset` is a word of SQL.
  const names = columns.map(({ fieldNames }) => `"${fieldNames[0]}"`).join(', ');
  let copied = 0;
  for (const condition of copyOrder(meta)) {
    for (let after = 0; ;) {
      const rows = await from.execute<Record<string, unknown>[]>(
        `select rowid, ${names} from ${meta.tableName} where rowid > ? and ${condition} order by rowid limit ${BATCH_SIZE}`,
        [after],
      );
      if (rows.length === 0) break;
      const row = `(${columns.map(() => '?').join(', ')})`;
      await to.execute(
        `insert into ${meta.tableName} (${names}) values ${rows.map(() => row).join(', ')}`,
        rows.flatMap((values) => columns.map((column) => toPostgresql(column, values[column.fieldNames[0]!]))),
      );
      after = rows.at(-1)!['rowid'] as number;
      onCopied((copied += rows.length));
    }
  }
}

/** Returns conditions that split a table into parts. Rows that reference the same table come last. */
function copyOrder(meta: EntityMetadata): string[] {
  const selfReferences = meta.relations
    .filter(({ targetMeta }) => targetMeta === meta)
    .map(({ fieldNames }) => fieldNames[0]);
  if (selfReferences.length === 0) return ['true'];
  const referencesNone = selfReferences.map((column) => `${column} is null`).join(' and ');
  // A row is older than those that reference it, and so has a lower rowid.
  return [referencesNone, `not (${referencesNone})`];
}

/** Converts a value that SQLite returned to one that PostgreSQL accepts. */
function toPostgresql({ type }: EntityProperty, value: unknown): unknown {
  if (value === null) return null;
  if (type === 'datetime') return new Date(value as number);
  if (type === 'boolean') return Boolean(value);
  if (type === 'json') return JSON.stringify(JSON.parse(value as string, toStorableValue));
  return value;
}

const toStorableValue = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? toStorableText(value) : value;

async function countRows(em: EntityManager, { tableName }: EntityMetadata): Promise<number> {
  const [row] = await em.execute<{ n: number | string }[]>(`select count(*) as n from ${tableName}`);
  return Number(row!.n);
}
