import type { EntityClass, EntityMetadata, EntityProperty } from '@mikro-orm/core';
import type { EntityManager, Orm } from './database.js';
import { storable } from './storable.js';

/** So many rows are held in memory at a time; an answer may have a million characters. */
const BATCH = 100;

export interface CopiedTable {
  name: string;
  rows: number;
}

/** The copy cannot be made, and the message tells why; nothing was written. */
export class CopyError extends Error {
  override readonly name = 'CopyError';
}

/**
 * Copies all rows of a SQLite database into a PostgreSQL one with the same, empty tables, in one transaction: it is
 * there as a whole, or not at all. Each table comes after those that it points to, as in the list of entities.
 * @param onProgress told after each batch how many rows of a table are copied
 * @throws CopyError when the target holds rows, or the counts differ afterwards
 */
export async function copyRows(
  source: Orm,
  target: Orm,
  onProgress: (table: string, copied: number, of: number) => void,
): Promise<CopiedTable[]> {
  const entities = source.config.get<'entities', EntityClass<object>[]>('entities');
  const tables: EntityMetadata[] = entities.map((entity) => source.em.getMetadata().get(entity));
  // One transaction on each side: what is read is of one moment, and nobody writes into the target meanwhile. Not by
  // `transactional`, whose context is one for both databases.
  const [from, to] = [source.em.fork(), target.em.fork()];
  await from.begin();
  await to.begin();
  try {
    await to.execute(`lock table ${tables.map(({ tableName }) => tableName).join(', ')} in exclusive mode`);
    await assertEmpty(to, tables);
    const copied: CopiedTable[] = [];
    for (const meta of tables) {
      const rows = await count(from, meta);
      await copyTable(from, to, meta, (done) => onProgress(meta.tableName, done, rows));
      const arrived = await count(to, meta);
      if (arrived !== rows) throw new CopyError(`Of ${rows} ${meta.tableName} ${arrived} arrived.`);
      copied.push({ name: meta.tableName, rows });
    }
    await to.commit();
    return copied;
  } catch (error) {
    // What is lost with the connection is rolled back by the server.
    await to.rollback().catch(() => {});
    throw error;
  } finally {
    await from.rollback();
  }
}

async function assertEmpty(to: EntityManager, tables: EntityMetadata[]): Promise<void> {
  for (const meta of tables) {
    const rows = await count(to, meta);
    if (rows > 0) throw new CopyError(`The target is not empty: it has ${rows} ${meta.tableName}. Give an empty one.`);
  }
}

async function copyTable(
  from: EntityManager,
  to: EntityManager,
  meta: EntityMetadata,
  onCopied: (rows: number) => void,
): Promise<void> {
  const columns = meta.props.filter(({ fieldNames, persist }) => fieldNames && persist !== false);
  const names = columns.map(({ fieldNames }) => fieldNames[0]).join(', ');
  let copied = 0;
  for (const part of partsOf(meta)) {
    for (let after = 0; ;) {
      const rows = await from.execute<Record<string, unknown>[]>(
        `select rowid, ${names} from ${meta.tableName} where rowid > ? and ${part} order by rowid limit ${BATCH}`,
        [after],
      );
      if (rows.length === 0) break;
      const row = `(${columns.map(() => '?').join(', ')})`;
      await to.execute(
        `insert into ${meta.tableName} (${names}) values ${rows.map(() => row).join(', ')}`,
        rows.flatMap((values) => columns.map((column) => converted(column, values[column.fieldNames[0]!]))),
      );
      after = rows.at(-1)!['rowid'] as number;
      onCopied((copied += rows.length));
    }
  }
}

/** Conditions by which the rows of a table that points to itself are copied: first those that point nowhere. */
function partsOf(meta: EntityMetadata): string[] {
  const own = meta.relations.filter(({ targetMeta }) => targetMeta === meta).map(({ fieldNames }) => fieldNames[0]);
  if (own.length === 0) return ['true'];
  const pointsNowhere = own.map((column) => `${column} is null`).join(' and ');
  // What others point to is older, and SQLite's rowid grows with age.
  return [pointsNowhere, `not (${pointsNowhere})`];
}

/** A value of SQLite's as PostgreSQL takes it. */
function converted({ type }: EntityProperty, value: unknown): unknown {
  if (value === null) return null;
  if (type === 'datetime') return new Date(value as number);
  if (type === 'boolean') return Boolean(value);
  if (type === 'json') return JSON.stringify(JSON.parse(value as string, cleaned));
  return value;
}

const cleaned = (_key: string, value: unknown): unknown => (typeof value === 'string' ? storable(value) : value);

async function count(em: EntityManager, { tableName }: EntityMetadata): Promise<number> {
  const [row] = await em.execute<{ n: number | string }[]>(`select count(*) as n from ${tableName}`);
  return Number(row!.n);
}
