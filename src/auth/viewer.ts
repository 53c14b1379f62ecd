import { createParameterDecorator } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';

export type { Client, Viewer } from '../platform/graphql/context.js';

/**
 * Injects the signed-in user into a resolver's parameter.
 * @throws UnauthenticatedError if there is no token, the token is invalid or expired, or its session has ended.
 */
export const SignedIn = () =>
  // Async, because type-graphql does not handle the other parameters' rejections if it throws synchronously.
  createParameterDecorator<RequestContext>(async ({ context }) => await context.viewer());
