import { Args, Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import { createConnectionType, ForwardPageArgs } from '../platform/graphql/pages.js';
import { SecurityEventEntry } from './security-event.entity.js';
import type { SecurityEvents } from './security-events.js';
import { SignedIn, type Viewer } from './viewer.js';

const SecurityEventConnection = createConnectionType('SecurityEvent', SecurityEventEntry);
type SecurityEventConnection = InstanceType<typeof SecurityEventConnection>;

/** Resolves the security events of an account. */
@Resolver()
export class SecurityEventResolver {
  constructor(private readonly events: SecurityEvents) {}

  @Query(() => SecurityEventConnection, {
    description: 'Sign-ins, failures, ended sessions and changes of your account in the last 90 days, newest first.',
  })
  async mySecurityEvents(
    @Args(() => ForwardPageArgs) args: ForwardPageArgs,
    @SignedIn() viewer: Viewer,
    @Ctx() context: RequestContext,
  ): Promise<SecurityEventConnection> {
    return new SecurityEventConnection(await this.events.list(context.reader(), viewer.userId, args));
  }
}
