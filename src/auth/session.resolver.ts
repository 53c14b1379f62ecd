import { Arg, Ctx, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import { AuthPayload, LogoutInput, RefreshTokensInput } from './auth.types.js';
import { toEventOrigin } from './security-events.js';
import { Session } from './session.entity.js';
import type { SessionService } from './session.service.js';
import type { UserService } from './user.service.js';
import { SignedIn, type Viewer } from './viewer.js';

/** Resolves sessions and their tokens. */
@Resolver(() => Session)
export class SessionResolver {
  constructor(
    private readonly sessionService: SessionService,
    private readonly users: UserService,
  ) {}

  @Query(() => [Session], {
    description: 'Your active sessions, one for each refresh-token family.',
  })
  sessions(@SignedIn() viewer: Viewer, @Ctx() { em }: RequestContext): Promise<Session[]> {
    return this.sessionService.findActive(em, viewer.userId);
  }

  @FieldResolver(() => Boolean, { description: 'Whether this is the session of the current request.' })
  current(@Root() session: Session, @SignedIn() viewer: Viewer): boolean {
    return session.id === viewer.sessionId;
  }

  @Mutation(() => AuthPayload, {
    description: [
      'Exchange a refresh token for a new pair of tokens. Each refresh token can be used once. Reusing one ends its',
      'session, unless it is reused within the grace period, which allows for concurrent tabs.',
    ].join('\n'),
  })
  refreshTokens(
    @Arg('input', () => RefreshTokensInput, { description: 'The token to exchange.' }) input: RefreshTokensInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.refresh(em, input.refreshToken, client);
  }

  @Mutation(() => Boolean, {
    description: 'End the session of this refresh token. Returns true even if the session had already ended.',
  })
  async logout(
    @Arg('input', () => LogoutInput, { description: 'The session to end.' }) input: LogoutInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<boolean> {
    await this.sessionService.logout(em, input.refreshToken, toEventOrigin(client));
    return true;
  }

  @Mutation(() => Int, {
    description: 'End all your sessions and close their open connections. Returns the number of sessions that ended.',
  })
  logoutAll(@SignedIn() viewer: Viewer, @Ctx() { em }: RequestContext): Promise<number> {
    return this.sessionService.logoutAll(em, viewer);
  }
}
