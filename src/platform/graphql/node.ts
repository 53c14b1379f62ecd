import { Field, ID, InterfaceType } from 'type-graphql';
import type { EntityManager } from '../db/orm.js';
import type { Viewer } from './context.js';

@InterfaceType({ description: 'An object that `node` returns by its id.' })
export abstract class Node {
  @Field(() => ID, { description: "The object's id." })
  id!: string;
}

/** Finds objects of one type. */
export interface NodeFinder {
  /** Returns the viewer's object; null if the id is malformed, unknown, or another user's. */
  find(em: EntityManager, viewer: Viewer, id: string): Promise<Node | null>;
}
