import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { Conversation } from './conversation.entity.js';
import type { ConversationService } from './conversation.service.js';
import {
  ConversationConnection,
  ConversationsArgs,
  DeleteConversationInput,
  RenameConversationInput,
} from './conversation.types.js';

@Resolver()
export class ConversationResolver {
  constructor(private readonly service: ConversationService) {}

  @Query(() => Conversation, { nullable: true, description: 'One of your conversations, or null.' })
  conversation(
    @Arg('id', () => ID, { description: "The conversation's id." }) id: string,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Conversation | null> {
    return this.service.find(em, viewer, id);
  }

  @Query(() => ConversationConnection, {
    description: 'Your conversations, the most recently active first. `search` matches titles and message text.',
  })
  async conversations(
    @Args(() => ConversationsArgs) args: ConversationsArgs,
    @SignedIn() viewer: Viewer,
    @Ctx() context: RequestContext,
  ): Promise<ConversationConnection> {
    return new ConversationConnection(await this.service.page(context.reader(), viewer, args));
  }

  @Mutation(() => Conversation, { description: 'Give a conversation a name, which stays.' })
  renameConversation(
    @Arg('input', () => RenameConversationInput, { description: 'Which, and the name.' })
    input: RenameConversationInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Conversation> {
    return this.service.rename(em, viewer, input);
  }

  @Mutation(() => ID, {
    description: 'Delete a conversation with its messages; an answer in progress is stopped. Answers the deleted id.',
  })
  async deleteConversation(
    @Arg('input', () => DeleteConversationInput, { description: 'Which.' }) { id }: DeleteConversationInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<string> {
    await this.service.delete(em, viewer, id);
    return id;
  }
}
