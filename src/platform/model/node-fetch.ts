import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** What our `fetch` answers with: enough of a Response for the SDK, and Node.js's own stream as the body. */
export class NodeResponse {
  readonly headers = new Headers();
  readonly status: number;
  readonly statusText: string;

  constructor(
    readonly body: IncomingMessage,
    readonly url: string,
  ) {
    this.status = body.statusCode ?? 0;
    this.statusText = body.statusMessage ?? '';
    for (const [name, value] of Object.entries(body.headers)) {
      if (value !== undefined) this.headers.set(name, Array.isArray(value) ? value.join(', ') : value);
    }
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  #text: string | null = null;

  async text(): Promise<string> {
    await this.buffer();
    return this.#text!;
  }

  /** Reads the body to its end. */
  async buffer(): Promise<void> {
    if (this.#text !== null) return;
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of this.body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > LARGEST_TEXT) throw new Error('The response is too long.');
      parts.push(part);
    }
    this.#text = Buffer.concat(parts).toString('utf8');
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

/** The most that is read of a response that is no stream, in bytes. */
const LARGEST_TEXT = 8 * 1024 * 1024;

/**
 * A `fetch` over node:http with kept-alive connections, for the SDK's requests. Reading a stream of tokens from Node.js's
 * own stream costs less than half of what the web streams of the built-in `fetch` do.
 */
export function createNodeFetch(): { fetch: typeof fetch } & Disposable {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true });

  // No function in here may see `init`: the body, which holds a whole prompt, would then live as long as the stream.
  const send = (input: string | URL | Request, init: RequestInit = {}): Promise<NodeResponse> => {
    const { promise, resolve, reject } = Promise.withResolvers<NodeResponse>();
    const url = new URL(input instanceof Request ? input.url : input);
    const { href } = url;
    const secure = url.protocol === 'https:';
    const request = (secure ? httpsRequest : httpRequest)(url, {
      method: init.method ?? 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      agent: secure ? https : http,
    });
    const signal = init.signal ?? undefined;
    const abort = () => request.destroy(abortError(signal));
    signal?.addEventListener('abort', abort, { once: true });
    request.once('error', reject);
    let answered = false;
    request.once('response', (body) => {
      answered = true;
      const response = new NodeResponse(body, href);
      if (response.ok) return resolve(response);
      // An error is read whole while the caller's time for it still runs; nobody would time it later.
      response.buffer().then(() => resolve(response), reject);
    });
    request.once('close', () => {
      signal?.removeEventListener('abort', abort);
      // Such as after a 101, for which there is no other event.
      if (!answered) reject(new Error('The connection was closed before a response came.'));
    });
    if (signal?.aborted) abort();
    request.end(typeof init.body === 'string' ? init.body : undefined);
    return promise;
  };

  return {
    fetch: send as unknown as typeof fetch,
    [Symbol.dispose]() {
      http.destroy();
      https.destroy();
    },
  };
}

/** By its name the SDK knows that it was itself who gave up. */
function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The request was aborted.', { cause: signal?.reason });
  error.name = 'AbortError';
  return error;
}
