import { ArgsType, Field, Int, ObjectType, type ClassType } from 'type-graphql';
import { MAX_PAGE_SIZE, type Page } from '../db/find-page.js';

@ObjectType({ description: 'The position of a page in the list, as specified by GraphQL Cursor Connections.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether there are items after this page.' })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether there are items before this page.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first edge; null when the page is empty.' })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last edge; null when the page is empty.' })
  endCursor!: string | null;
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true, description: `Return the first n items (1–${MAX_PAGE_SIZE}).` })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Return items after this cursor.' })
  after?: string | null;

  @Field(() => Int, { nullable: true, description: `Return the last n items (1–${MAX_PAGE_SIZE}).` })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Return items before this cursor.' })
  before?: string | null;
}

/** Of lists that are read from their beginning only. */
@ArgsType()
export class ForwardPageArgs {
  @Field(() => Int, { defaultValue: 20, description: `Return the first n items (1–${MAX_PAGE_SIZE}).` })
  first!: number;

  @Field(() => String, { nullable: true, description: 'Return only items after this cursor.' })
  after?: string | null;
}

/**
 * Creates the type `{name}Connection` of GraphQL Cursor Connections, and `{name}Edge` as its property `Edge`.
 * `Row` is what the items are if they are not entities.
 */
export function createConnectionType<T extends object, Row extends object = T>(name: string, Node: ClassType<T>) {
  @ObjectType(`${name}Edge`, { description: 'An item of the list with its cursor.' })
  class Edge {
    @Field(() => String, { description: 'Opaque; pass it to `after` or `before`.' })
    cursor!: string;

    @Field(() => Node, { description: 'The item.' })
    node!: Row;
  }

  @ObjectType(`${name}Connection`, { description: 'A page of the list.' })
  class Connection {
    static readonly Edge = Edge;

    constructor(readonly page: Page<Row>) {}

    @Field(() => [Edge], { description: 'The items of the page with their cursors.' })
    get edges(): Edge[] {
      return this.page.edges;
    }

    @Field(() => [Node], { description: 'The items of the page.' })
    get nodes(): readonly Row[] {
      return this.page.nodes;
    }

    @Field(() => PageInfo, { description: 'The position of the page in the list.' })
    get pageInfo(): PageInfo {
      return this.page.pageInfo;
    }

    @Field(() => Int, { description: 'Number of items in the whole list; counted only when requested.' })
    totalCount(): Promise<number> {
      return this.page.countAll();
    }
  }
  return Connection;
}
