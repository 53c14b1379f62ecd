import { Arg, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import {
  AuthPayload,
  ChangePasswordInput,
  DeleteAccountInput,
  LoginInput,
  RegisterInput,
  UpdateProfileInput,
} from './auth.types.js';
import type { GuestService } from './guest.service.js';
import { User } from './user.entity.js';
import type { UserRow } from './user.row.js';
import type { UserService } from './user.service.js';
import { SignedIn, type Viewer } from './viewer.js';

/** Resolves account operations. */
@Resolver(() => User)
export class AuthResolver {
  constructor(
    private readonly users: UserService,
    private readonly guests: GuestService,
  ) {}

  @Query(() => User, { description: 'The signed-in user.' })
  me(@SignedIn() viewer: Viewer, @Ctx() { db }: RequestContext): Promise<UserRow> {
    return this.users.read(db, viewer.userId);
  }

  @FieldResolver(() => Boolean, { description: 'Whether the user has proved that they receive the email.' })
  emailVerified(@Root() user: UserRow): boolean {
    return user.emailVerifiedAt !== null;
  }

  @Query(() => Boolean, {
    description: 'Whether an account can be registered with this email. Requires no token; rate limited.',
  })
  emailAvailable(
    @Arg('email', () => String, { description: 'Case-insensitive.' }) email: string,
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
    description: 'Sign in. The response and its timing are the same for an unknown email and for a wrong password.',
  })
  login(
    @Arg('input', () => LoginInput, { description: 'The credentials of the account.' }) input: LoginInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.login(em, input, client);
  }

  @Mutation(() => AuthPayload, {
    description:
      'Start a session without an account; FORBIDDEN unless guests are admitted. `register` and `login` can claim its conversations.',
  })
  startGuestSession(@Ctx() { em, client }: RequestContext): Promise<AuthPayload> {
    return this.guests.start(em, client);
  }

  @Mutation(() => User, {
    description: 'Change your name or phone. An omitted field stays unchanged; null clears it.',
  })
  updateProfile(
    @Arg('input', () => UpdateProfileInput, { description: 'The fields to change.' }) input: UpdateProfileInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<User> {
    return this.users.updateProfile(em, viewer, input);
  }

  @Mutation(() => AuthPayload, { description: 'Change your password and end all your other sessions.' })
  changePassword(
    @Arg('input', () => ChangePasswordInput, { description: 'The current and the new password.' })
    input: ChangePasswordInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<AuthPayload> {
    return this.users.changePassword(em, viewer, input);
  }

  @Mutation(() => Boolean, { description: 'Delete your account and all its data.' })
  async deleteAccount(
    @Arg('input', () => DeleteAccountInput, { description: 'Your password, to confirm, if you have one.' })
    input: DeleteAccountInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<boolean> {
    await this.users.deleteAccount(em, viewer, input.password ?? null);
    return true;
  }
}
