import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { Conversation } from './conversation.entity.js';
import type { ConversationService } from './conversation.service.js';

@Resolver()
export class ConversationResolver {
  constructor(private readonly conversations: ConversationService) {}

  @Query(() => Conversation, { nullable: true, description: 'One of your conversations, or null.' })
  conversation(
    @Arg('id', () => ID, { description: "The conversation's id." }) id: string,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Conversation | null> {
    return this.conversations.find(em, viewer, id);
  }
}
