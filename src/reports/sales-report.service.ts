import { SaleStatus, type ConversationMetadata } from '../conversations/conversation-metadata.js';
import type { EntityManager } from '../platform/db/database.js';
import { sql } from '../platform/db/sql.js';
import type { ReportRange, SaleStatusCount, SalesDay, TermCount } from './report.types.js';

/** The lists of the metadata that can be counted. */
export type TermList = keyof Pick<ConversationMetadata, 'interests' | 'offeredProducts' | 'rejectedProducts'>;

const STATUSES = Object.values(SaleStatus);
const END = new Date('9999-12-31T00:00:00Z');

/** Adds up the conversations' metadata in the database: no conversation is loaded. */
export class SalesReportService {
  async count(em: EntityManager, range: ReportRange): Promise<number> {
    const { condition, values } = where(range);
    const [row] = await em.execute<{ n: number | string }[]>(
      `select count(*) as n from conversations where ${condition}`,
      values,
    );
    return Number(row!.n);
  }

  /** In the order of a sale's way; statuses that no conversation has are left out. */
  async byStatus(em: EntityManager, range: ReportRange): Promise<SaleStatusCount[]> {
    const { condition, values } = where(range);
    const rows = await em.execute<{ status: SaleStatus; n: number | string }[]>(
      `select sale_status as status, count(*) as n from conversations
       where ${condition} and sale_status is not null group by sale_status`,
      values,
    );
    return inOrder(rows.map(({ status, n }) => ({ status, count: Number(n) })));
  }

  /** The terms of a list that most conversations have, without regard to case; the most frequent first. */
  async topTerms(em: EntityManager, range: ReportRange, list: TermList, first: number): Promise<TermCount[]> {
    const { condition, values } = where(range);
    const { terms, value } = {
      terms: sql(em, {
        sqlite: `json_each(conversations.metadata, '$.${list}') as term`,
        postgresql: `jsonb_array_elements_text(conversations.metadata -> '${list}') as term (value)`,
      }),
      // SQLite knows the case of ASCII letters only, and orders by code points: so does PostgreSQL's collation "C".
      value: sql(em, { sqlite: 'trim(term.value)', postgresql: 'trim(term.value) collate "C"' }),
    };
    const rows = await em.execute<{ term: string; n: number | string }[]>(
      `select min(${value}) as term, count(distinct conversations.id) as n
       from conversations, ${terms}
       where ${condition} and sale_status is not null
       group by lower(${value}) order by n desc, lower(${value}) limit ?`,
      [...values, first],
    );
    return rows.map(({ term, n }) => ({ term, count: Number(n) }));
  }

  /** Per UTC day of last activity, the earliest first; days without any are left out. */
  async daily(em: EntityManager, range: ReportRange): Promise<SalesDay[]> {
    const { condition, values } = where(range);
    const day = sql(em, {
      sqlite: `date(updated_at / 1000, 'unixepoch')`,
      postgresql: `to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD')`,
    });
    const rows = await em.execute<{ day: string; status: SaleStatus; n: number | string }[]>(
      `select ${day} as day, sale_status as status, count(*) as n from conversations
       where ${condition} and sale_status is not null group by day, sale_status order by day`,
      values,
    );
    const days = Map.groupBy(rows, ({ day }) => day);
    return [...days].map(([day, counts]) => ({
      day,
      byStatus: inOrder(counts.map(({ status, n }) => ({ status, count: Number(n) }))),
    }));
  }
}

function where({ ownerId, from, to }: ReportRange): { condition: string; values: unknown[] } {
  const range = [from ?? new Date(0), to ?? END];
  const inRange = 'conversations.updated_at >= ? and conversations.updated_at < ?';
  return ownerId === null
    ? { condition: inRange, values: range }
    : { condition: `conversations.owner_id = ? and ${inRange}`, values: [ownerId, ...range] };
}

const inOrder = (counts: SaleStatusCount[]): SaleStatusCount[] =>
  counts.toSorted((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status));
