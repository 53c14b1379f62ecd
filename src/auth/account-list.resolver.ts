import { Args, Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import { createConnectionType, ForwardPageArgs } from '../platform/graphql/pages.js';
import { assertAdmin } from './permissions.js';
import { User } from './user.entity.js';
import type { UserService } from './user.service.js';
import { SignedIn, type Viewer } from './viewer.js';

const UserConnection = createConnectionType('User', User);
type UserConnection = InstanceType<typeof UserConnection>;

/** Resolves the accounts of the installation, for administrators. */
@Resolver()
export class AccountListResolver {
  constructor(private readonly users: UserService) {}

  @Query(() => UserConnection, {
    description: 'All accounts, without guests, the newest first. Requires the ADMIN role.',
  })
  async accounts(
    @Args(() => ForwardPageArgs) args: ForwardPageArgs,
    @SignedIn() viewer: Viewer,
    @Ctx() context: RequestContext,
  ): Promise<UserConnection> {
    assertAdmin(viewer, 'The list of accounts');
    return new UserConnection(await this.users.list(context.reader(), args));
  }
}
