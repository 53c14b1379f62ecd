import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { Conversation } from './conversation.entity.js';
import type { ConversationRow } from './conversation.row.js';
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

  @Query(() => Conversation, { nullable: true, description: 'One of your conversations; null if the id is unknown.' })
  conversation(
    @Arg('id', () => ID, { description: "The conversation's id." }) id: string,
    @SignedIn() viewer: Viewer,
    @Ctx() { db }: RequestContext,
  ): Promise<ConversationRow | null> {
    return this.service.read(db, viewer, id);
  }

  @Query(() => ConversationConnection, {
    description: 'Your conversations, most recently active first. `search` matches titles and message text.',
  })
  async conversations(
    @Args(() => ConversationsArgs) args: ConversationsArgs,
    @SignedIn() viewer: Viewer,
    @Ctx() context: RequestContext,
  ): Promise<ConversationConnection> {
    return new ConversationConnection(await this.service.list(context.reader(), viewer, args));
  }

  @Mutation(() => Conversation, {
    description: 'Set the title of a conversation. Generated titles no longer replace it.',
  })
  renameConversation(
    @Arg('input', () => RenameConversationInput, { description: 'The conversation and its new title.' })
    input: RenameConversationInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Conversation> {
    return this.service.rename(em, viewer, input);
  }

  @Mutation(() => ID, {
    description: 'Delete a conversation and its messages. An answer in progress is stopped. Returns the deleted id.',
  })
  async deleteConversation(
    @Arg('input', () => DeleteConversationInput, { description: 'The conversation to delete.' })
    { id }: DeleteConversationInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<string> {
    await this.service.delete(em, viewer, id);
    return id;
  }
}
