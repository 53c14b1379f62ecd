import {
  readRange,
  type CursorPart,
  type Edge,
  type Page,
  type PageQuery,
  type PageRequest,
  type Range,
  type Reader,
} from './find-page.js';
import { PreparedQuery, type QueryValue } from './prepared-query.js';

/** A list that is read by prepared queries. The values of one placeholder in `from` select it. */
export interface PreparedListOptions<Row extends object, Node extends object> {
  columns: string;
  /** Table and condition, with one placeholder: `messages where conversation_id = ?`. */
  from: string;
  /** The columns of the order, which all have its direction. The last one must be unique. */
  orderBy: readonly string[];
  direction: 'asc' | 'desc';
  /** The values of a node in the order. */
  toKey: (node: Node) => readonly (number | string | Date)[];
  cursor: readonly CursorPart[];
  defaultPage: PageQuery<Node>['defaultPage'];
  toNode: (row: Row) => Node;
}

/** Does what `findPage` does, with the same cursors, without entities. */
export class PreparedList<Row extends object, Node extends object> {
  /** The pages from the beginning and from the end of the list, or of what follows a cursor. */
  readonly #queries: Record<'first' | 'last', Record<'all' | 'rest', PreparedQuery<QueryValue[], Row>>>;

  constructor(private readonly options: PreparedListOptions<Row, Node>) {
    const { direction } = options;
    const opposite = direction === 'asc' ? 'desc' : 'asc';
    this.#queries = { first: this.#prepare(direction), last: this.#prepare(opposite) };
  }

  /**
   * @param of the value that selects the list
   * @throws BadUserInputError for an invalid size or cursor, and for `first` combined with `last`
   */
  async read(reader: Reader, of: string, request: PageRequest, countAll: () => Promise<number>): Promise<Page<Node>> {
    const range = readRange(request, this.options);
    const size = range.first ?? range.last;
    reader.spend(size);
    const cursor = range.after ?? range.before;
    const queries = range.first === undefined ? this.#queries.last : this.#queries.first;
    // One more row tells whether the list goes on.
    const rows = await (cursor === undefined
      ? queries.all.all(reader.db, of, size + 1)
      : queries.rest.all(reader.db, of, ...this.#decode(cursor), size + 1));
    const nodes = rows.slice(0, size).map(this.options.toNode);
    if (range.first === undefined) nodes.reverse();
    return new PreparedPage(nodes, range, rows.length > size, this.#toCursor, countAll);
  }

  /** Returns the edge that a page of the list would contain for this node. */
  toEdge(node: Node): Edge<Node> {
    return { cursor: this.#toCursor(node), node };
  }

  #prepare(direction: 'asc' | 'desc') {
    const { columns, from, orderBy, cursor } = this.options;
    const key = orderBy.join(', ');
    // PostgreSQL would take the type of the column, which the integer of a forged cursor may exceed.
    const bound = cursor.map((part) => (part === 'integer' ? 'cast(? as bigint)' : '?')).join(', ');
    const order = `order by ${orderBy.map((column) => `${column} ${direction}`).join(', ')} limit ?`;
    const condition = `and (${key}) ${direction === 'asc' ? '>' : '<'} (${bound})`;
    return {
      all: new PreparedQuery<QueryValue[], Row>(`select ${columns} from ${from} ${order}`),
      rest: new PreparedQuery<QueryValue[], Row>(`select ${columns} from ${from} ${condition} ${order}`),
    };
  }

  #decode(cursor: string): QueryValue[] {
    const values = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as (string | number)[];
    return values.map((value, i) => (this.options.cursor[i] === 'date' ? new Date(value) : value));
  }

  readonly #toCursor = (node: Node): string =>
    Buffer.from(JSON.stringify(this.options.toKey(node))).toString('base64url');
}

/** Cursors are created when they are requested. */
class PreparedPage<Node extends object> implements Page<Node> {
  constructor(
    readonly nodes: readonly Node[],
    private readonly range: Range,
    private readonly hasMore: boolean,
    private readonly toCursor: (node: Node) => string,
    readonly countAll: () => Promise<number>,
  ) {}

  get edges(): Edge<Node>[] {
    return this.nodes.map((node) => ({ cursor: this.toCursor(node), node }));
  }

  get pageInfo(): Page<Node>['pageInfo'] {
    const { nodes, range, hasMore, toCursor } = this;
    const isFromEnd = range.first === undefined;
    const [start, end] = [nodes[0], nodes.at(-1)];
    return {
      hasNextPage: isFromEnd ? range.before !== undefined : hasMore,
      hasPreviousPage: isFromEnd ? hasMore : range.after !== undefined,
      get startCursor() {
        return start ? toCursor(start) : null;
      },
      get endCursor() {
        return end ? toCursor(end) : null;
      },
    };
  }
}
