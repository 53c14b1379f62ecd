import { Arg, Ctx, FieldResolver, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import { AuthPayload, LogoutInput, RefreshTokensInput } from './auth.types.js';
import { Session } from './session.entity.js';
import type { SessionService } from './session.service.js';
import type { UserService } from './user.service.js';
import { SignedIn, type Viewer } from './viewer.js';

/** Sessions: where somebody is signed in. */
@Resolver(() => Session)
export class SessionResolver {
  constructor(
    private readonly sessionsOf: SessionService,
    private readonly users: UserService,
  ) {}

  @Query(() => [Session], {
    description: 'Where you are signed in: one row per refresh-token family that is still alive.',
  })
  sessions(@SignedIn() viewer: Viewer, @Ctx() { em }: RequestContext): Promise<Session[]> {
    return this.sessionsOf.alive(em, viewer.userId);
  }

  @FieldResolver(() => Boolean, { description: 'Whether this is the session that is asking.' })
  current(@Root() session: Session, @SignedIn() viewer: Viewer): boolean {
    return session.id === viewer.sessionId;
  }

  @Mutation(() => AuthPayload, {
    description: [
      'Trade a refresh token for a new pair. Each refresh token works once; showing a spent one again ends its session,',
      'unless it comes within the grace period that concurrent tabs need.',
    ].join('\n'),
  })
  refreshTokens(
    @Arg('input', () => RefreshTokensInput, { description: 'The token to trade.' }) input: RefreshTokensInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.refresh(em, input.refreshToken, client);
  }

  @Mutation(() => Boolean, {
    description: 'End the session that this refresh token belongs to. True, whether or not it was still alive.',
  })
  async logout(
    @Arg('input', () => LogoutInput, { description: 'The session to end.' }) input: LogoutInput,
    @Ctx() { em }: RequestContext,
  ): Promise<boolean> {
    await this.sessionsOf.logout(em, input.refreshToken);
    return true;
  }

  @Mutation(() => Int, {
    description: 'End all of your sessions and cut their open sockets. Answers how many ended.',
  })
  logoutAll(@SignedIn() viewer: Viewer, @Ctx() { em }: RequestContext): Promise<number> {
    return this.sessionsOf.logoutAll(em, viewer.userId);
  }
}
