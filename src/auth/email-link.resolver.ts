import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import { AuthPayload, ResetPasswordInput, VerifyEmailInput } from './auth.types.js';
import type { EmailLinkService } from './email-link.service.js';
import { User } from './user.entity.js';
import { SignedIn, type Viewer } from './viewer.js';

/** Resolves what users do with links in mails. */
@Resolver()
export class EmailLinkResolver {
  constructor(private readonly links: EmailLinkService) {}

  @Mutation(() => Boolean, {
    description: [
      'Send a link for a new password (`APP_URL/reset-password#token=…`, valid for 30 minutes) if an account has this email.',
      'Returns true, RATE_LIMITED or UNAVAILABLE, equally for every email and in the same time.',
    ].join('\n'),
  })
  async requestPasswordReset(
    @Arg('email', () => String, { description: 'Case-insensitive.' }) email: string,
    @Ctx() { em, client }: RequestContext,
  ): Promise<boolean> {
    await this.links.requestPasswordReset(em, email, client);
    return true;
  }

  @Mutation(() => AuthPayload, {
    description:
      'Set a new password with the token of the link. Ends all sessions, starts one, and verifies the email. LINK_INVALID for a token that was used, was replaced or is too old.',
  })
  resetPassword(
    @Arg('input', () => ResetPasswordInput, { description: 'The token and the new password.' })
    input: ResetPasswordInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<AuthPayload> {
    return this.links.resetPassword(em, input, client);
  }

  @Mutation(() => Boolean, {
    description:
      'Send a link that verifies your email (`APP_URL/verify-email#token=…`, valid for 24 hours). Returns true, also if it is verified already.',
  })
  async requestEmailVerification(@SignedIn() viewer: Viewer, @Ctx() { em }: RequestContext): Promise<boolean> {
    await this.links.requestVerification(em, viewer);
    return true;
  }

  @Mutation(() => User, {
    description:
      'Verify an email with the token of the link. Requires no session. LINK_INVALID for a token that was used, was replaced or is too old.',
  })
  verifyEmail(
    @Arg('input', () => VerifyEmailInput, { description: 'The token.' }) input: VerifyEmailInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<User> {
    return this.links.verifyEmail(em, input.token, client);
  }
}
