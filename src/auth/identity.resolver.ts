import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';
import { AuthPayload, ExchangeIdentityTokenInput } from './auth.types.js';
import type { IdentityService } from './identity.service.js';

@Resolver()
export class IdentityResolver {
  constructor(private readonly identities: IdentityService) {}

  @Mutation(() => AuthPayload, {
    description:
      "Exchange an ID token of the operator's own login (OpenID Connect) for a session. The first exchange of a user creates an account.",
  })
  exchangeIdentityToken(
    @Arg('input', () => ExchangeIdentityTokenInput, { description: 'The ID token.' }) input: ExchangeIdentityTokenInput,
    @Ctx() { em, client }: RequestContext,
  ): Promise<AuthPayload> {
    return this.identities.exchange(em, input, client);
  }
}
