import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import { Node, type NodeFinder } from '../platform/graphql/node.js';
import { SignedIn, type Viewer } from './viewer.js';

/** Finds objects of all types that implement Node. An id does not tell its type. */
@Resolver()
export class NodeResolver {
  constructor(private readonly finders: readonly NodeFinder[]) {}

  @Query(() => Node, {
    nullable: true,
    description:
      'One of your objects: your account, a conversation or a message; null if the id is unknown. For clients that refetch objects by id.',
  })
  async node(
    @Arg('id', () => ID, { description: "The object's id." }) id: string,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Node | null> {
    for (const finder of this.finders) {
      const found = await finder.find(em, viewer, id);
      if (found) return found;
    }
    return null;
  }
}
