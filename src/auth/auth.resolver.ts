import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import {
  AuthPayload,
  ChangePasswordInput,
  DeleteAccountInput,
  LoginInput,
  RegisterInput,
  UpdateProfileInput,
} from './auth.types.js';
import { User } from './user.entity.js';
import type { UserService } from './user.service.js';
import { SignedIn, type Viewer } from './viewer.js';

/** Accounts: who somebody is. */
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
    @Ctx() { em, client }: RequestContext,
  ): Promise<boolean> {
    return this.users.emailAvailable(em, email, client);
  }

  @Mutation(() => AuthPayload, { description: 'Create an account and sign in.' })
  register(
    @Arg('input', () => RegisterInput, { description: 'The new account.' }) input: RegisterInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.register(em, input, client);
  }

  @Mutation(() => AuthPayload, {
    description: 'Sign in. An unknown email and a wrong password are told apart neither by the answer nor by its time.',
  })
  login(
    @Arg('input', () => LoginInput, { description: 'What you registered with.' }) input: LoginInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.login(em, input, client);
  }

  @Mutation(() => User, {
    description: 'Change your name or phone. A field left out stays as it is; null clears it.',
  })
  updateProfile(
    @Arg('input', () => UpdateProfileInput, { description: 'What to change.' }) input: UpdateProfileInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<User> {
    return this.users.updateProfile(em, viewer, input);
  }

  @Mutation(() => AuthPayload, { description: 'Change your password, which ends every other session.' })
  changePassword(
    @Arg('input', () => ChangePasswordInput, { description: 'The old and the new one.' }) input: ChangePasswordInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.changePassword(em, viewer, input);
  }

  @Mutation(() => Boolean, { description: 'Delete your account with everything in it.' })
  async deleteAccount(
    @Arg('input', () => DeleteAccountInput, { description: 'Your password, once more.' }) input: DeleteAccountInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<boolean> {
    await this.users.deleteAccount(em, viewer, input.password);
    return true;
  }
}
