import type { Response as Answer } from 'graphql-sse';
import type { Logger } from '../telemetry/log.js';
import type { RequestContext, RequestOrigin, Viewer } from './context.js';
import type { StreamHandler } from './stream-handler.js';
import { TOKEN_HEADER, viewerOf, type StreamRequest } from './stream-request.js';

/** A request about a stream, as it goes to the instance where that is open: who calls is found out there once more. */
export interface PassedRequest {
  origin: RequestOrigin;
  method: string;
  url: string;
  headers: Record<string, string | undefined>;
  body: Record<string, unknown> | null;
}

/** Without a stream in its body. */
export type PassedAnswer = [body: string | null, init: Answer[1]];

/** What graphql-sse looks at. */
const PASSED_HEADERS = ['accept', 'content-type', TOKEN_HEADER];

export async function passedRequestOf(request: StreamRequest): Promise<PassedRequest> {
  const { method, url, headers, body, context } = request;
  return {
    origin: context.context.origin,
    method,
    url,
    headers: Object.fromEntries(PASSED_HEADERS.map((name) => [name, headers.get(name) ?? undefined])),
    body: await (body as () => Promise<PassedRequest['body']>)(),
  };
}

export interface PassedRequestOptions {
  handler: StreamHandler;
  contextFor: (origin: RequestOrigin) => RequestContext;
  log: Logger;
}

/**
 * Answers what another instance has passed on. An operation is accepted once it begins: nobody waits for its end, for
 * its results go into the stream.
 */
export async function answerPassed(passed: PassedRequest, options: PassedRequestOptions): Promise<PassedAnswer> {
  const { origin, headers, body, ...request } = passed;
  const context = options.contextFor(origin);
  let viewer: Viewer | null;
  try {
    viewer = await viewerOf(context);
  } catch {
    return [null, { status: 503, statusText: 'Service Unavailable', headers: { 'retry-after': '1' } }];
  }
  return await new Promise((resolve) => {
    const begin = () => resolve([null, { status: 202, statusText: 'Accepted' }]);
    const call: StreamRequest = {
      ...request,
      headers: { get: (name) => headers[name] },
      body: async () => body,
      raw: null,
      context: { context, response: null, viewer, begin },
    };
    options.handler.answer(call).then(
      ([answer, init]) => resolve([typeof answer === 'string' ? answer : null, init]),
      (error: unknown) => {
        options.log.error({ err: error, requestId: origin.requestId }, 'A request could not be served.');
        resolve([null, { status: 500, statusText: 'Internal Server Error' }]);
      },
    );
  });
}
