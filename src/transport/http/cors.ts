import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import type { AllowedOrigins } from './allowed-origins.js';

const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

/** Sets the CORS headers of a response. Resolves to true when it has answered a preflight request. */
export type CorsHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export function createCors(origins: AllowedOrigins): CorsHandler {
  const handle = cors<IncomingMessage>((request, callback) =>
    callback(null, {
      // A list, so that the response also varies by origin when it allows none.
      origin: origins.admit(request) ?? [],
      exposedHeaders: ['x-request-id'],
      maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    }),
  );
  return (request, response) =>
    new Promise((resolve, reject) => {
      response.once('finish', () => resolve(true));
      handle(request, response, (error?: unknown) => (error instanceof Error ? reject(error) : resolve(false)));
    });
}
