import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import { AuthPayload, LoginInput, RegisterInput } from './auth.types.js';
import { User } from './user.entity.js';
import type { UserService } from './user.service.js';
import { SignedIn, type Viewer } from './viewer.js';

@Resolver()
export class AuthResolver {
  constructor(private readonly users: UserService) {}

  @Query(() => User, { description: 'The signed-in user.' })
  me(@SignedIn() viewer: Viewer, @Ctx() { em }: RequestContext): Promise<User> {
    return this.users.get(em, viewer.userId);
  }

  @Query(() => Boolean, {
    description: 'Whether an account can be registered under this email. Needs no token; rate limited.',
  })
  emailAvailable(
    @Arg('email', () => String, { description: 'Compared without regard to case.' }) email: string,
    @Ctx() { em }: RequestContext,
  ): Promise<boolean> {
    return this.users.emailAvailable(em, email);
  }

  @Mutation(() => AuthPayload, { description: 'Create an account and sign in.' })
  register(
    @Arg('input', () => RegisterInput, { description: 'The new account.' }) input: RegisterInput,
    @Ctx() { em, userAgent }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.register(em, input, userAgent);
  }

  @Mutation(() => AuthPayload, {
    description: 'Sign in. An unknown email and a wrong password are told apart neither by the answer nor by its time.',
  })
  login(
    @Arg('input', () => LoginInput, { description: 'What you registered with.' }) input: LoginInput,
    @Ctx() { em, userAgent }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.login(em, input, userAgent);
  }
}
