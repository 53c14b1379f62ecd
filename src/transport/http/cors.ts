import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import type { AllowedOrigins } from './allowed-origins.js';

const EXPOSED = 'x-request-id';
const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

/** Sets the CORS headers of a response. Resolves to true when it has answered a preflight request. */
export type CorsHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export function createCors(origins: AllowedOrigins): CorsHandler {
  const handle = cors<IncomingMessage>((request, callback) =>
    callback(null, {
      // A list, so that the response also varies by origin when it allows none.
      origin: origins.admit(request) ?? [],
      exposedHeaders: [EXPOSED],
      maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    }),
  );
  return async (request, response) => {
    // The most frequent case: not a page. It needs neither listeners nor options.
    if (request.headers.origin === undefined && request.method !== 'OPTIONS') {
      response.setHeader('Vary', 'Origin');
      response.setHeader('Access-Control-Expose-Headers', EXPOSED);
      return false;
    }
    return await new Promise((resolve, reject) => {
      response.once('finish', () => resolve(true));
      handle(request, response, (error?: unknown) => (error instanceof Error ? reject(error) : resolve(false)));
    });
  };
}
