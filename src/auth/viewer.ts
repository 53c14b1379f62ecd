import { createParameterDecorator } from 'type-graphql';
import type { RequestContext } from '../platform/graphql/context.js';

export type { Viewer } from '../platform/graphql/context.js';

/**
 * Gives the resolver's parameter the signed-in user.
 * @throws UnauthenticatedError without a token, or with one that is invalid, expired or of an ended session.
 */
export const SignedIn = () =>
  // Async, so that it never throws at once: type-graphql would then leave the other parameters' rejections unhandled.
  createParameterDecorator<RequestContext>(async ({ context }) => await context.viewer());
