import { SaleStatus, type ConversationMetadata } from '../conversations/conversation-metadata.js';
import type { EntityManager } from '../platform/db/orm.js';
import { PreparedQuery } from '../platform/db/prepared-query.js';
import { sql } from '../platform/db/sql.js';
import type { ReportRange, SaleStatusCount, SalesDay, ShownProductCount, TermCount } from './report.types.js';

/** The lists of the metadata whose terms can be counted. */
export type TermList = keyof Pick<ConversationMetadata, 'interests' | 'offeredProducts' | 'rejectedProducts'>;

const STATUSES = Object.values(SaleStatus);
/** Later than every row, and accepted by both databases. */
const MAX_DATE = new Date('9999-12-31T00:00:00Z');

/** Aggregates the metadata of conversations in the database, without loading conversations. */
export class SalesReportService {
  async count(em: EntityManager, range: ReportRange): Promise<number> {
    const { condition, values } = toWhereClause(range);
    const [row] = await em.execute<{ n: number | string }[]>(
      `select count(*) as n from conversations where ${condition}`,
      values,
    );
    return Number(row!.n);
  }

  /** Returns counts in the order of the SaleStatus enum; statuses without conversations are omitted. */
  async countByStatus(em: EntityManager, range: ReportRange): Promise<SaleStatusCount[]> {
    const { condition, values } = toWhereClause(range);
    const rows = await em.execute<{ status: SaleStatus; n: number | string }[]>(
      `select sale_status as status, count(*) as n from conversations
       where ${condition} and sale_status is not null group by sale_status`,
      values,
    );
    return sortByStatus(rows.map(({ status, n }) => ({ status, count: Number(n) })));
  }

  /** Returns the terms that most conversations contain, most frequent first. Terms are compared case-insensitively. */
  async findTopTerms(em: EntityManager, range: ReportRange, list: TermList, first: number): Promise<TermCount[]> {
    const { condition, values } = toWhereClause(range);
    const { terms, value } = {
      terms: sql(em, {
        sqlite: `json_each(conversations.metadata, '$.${list}') as term`,
        postgresql: `jsonb_array_elements_text(conversations.metadata -> '${list}') as term (value)`,
      }),
      // SQLite lower-cases only ASCII letters and sorts by code point; PostgreSQL does the same with the collation "C".
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

  /** Returns the products that were shown in most conversations, most frequent first. */
  async findTopShownProducts(em: EntityManager, range: ReportRange, first: number): Promise<ShownProductCount[]> {
    const { condition, values } = toWhereClause(range);
    // SQLite reads the tables of a cross join in this order; it would otherwise begin with all products ever shown.
    const rows = await em.execute<{ sku: string; n: number | string }[]>(
      `select p.sku, count(distinct conversations.id) as n
       from conversations cross join messages m cross join product_mentions p
       where ${condition} and m.conversation_id = conversations.id and p.answer_id = m.id
       group by p.sku order by n desc, p.sku limit ?`,
      [...values, first],
    );
    const skus = rows.map(({ sku }) => sku);
    const titles = new Map((await newestTitles.all(em, skus)).map(({ sku, title }) => [sku, title]));
    return rows.map(({ sku, n }) => ({ sku, title: titles.get(sku)!, count: Number(n) }));
  }

  /** Returns the number of prices in answers that nothing has confirmed. */
  async countUnverifiedClaims(em: EntityManager, range: ReportRange): Promise<number> {
    const { condition, values } = toWhereClause(range);
    const length = sql(em, { sqlite: 'json_array_length', postgresql: 'jsonb_array_length' });
    const [row] = await em.execute<{ n: number | string | null }[]>(
      `select sum(${length}(m.unverified_claims)) as n
       from conversations join messages m on m.conversation_id = conversations.id
       where ${condition} and m.unverified_claims is not null`,
      values,
    );
    return Number(row?.n ?? 0);
  }

  /** Returns counts for each UTC day of last activity, earliest first; days without conversations are omitted. */
  async countByDay(em: EntityManager, range: ReportRange): Promise<SalesDay[]> {
    const { condition, values } = toWhereClause(range);
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
      byStatus: sortByStatus(counts.map(({ status, n }) => ({ status, count: Number(n) }))),
    }));
  }
}

/** The titles of products when they were last shown. */
const newestTitles = new PreparedQuery<[skus: readonly string[]], { sku: string; title: string }>({
  sqlite: `select wanted.value as sku, ${selectNewestTitle('wanted.value')} as title from json_each(?) as wanted`,
  postgresql: `select wanted.sku, ${selectNewestTitle('wanted.sku')} as title
    from unnest(cast(? as text[])) as wanted (sku)`,
});

function selectNewestTitle(sku: string): string {
  return `(select p.title from product_mentions p where p.sku = ${sku} order by p.id desc limit 1)`;
}

function toWhereClause({ ownerId, from, to }: ReportRange): { condition: string; values: unknown[] } {
  const range = [from ?? new Date(0), to ?? MAX_DATE];
  const inRange = 'conversations.updated_at >= ? and conversations.updated_at < ?';
  return ownerId === null
    ? { condition: inRange, values: range }
    : { condition: `conversations.owner_id = ? and ${inRange}`, values: [ownerId, ...range] };
}

const sortByStatus = (counts: SaleStatusCount[]): SaleStatusCount[] =>
  counts.toSorted((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status));
