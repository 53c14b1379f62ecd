import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Response as Answer } from 'graphql-sse';
import { ErrorCode } from '../errors/error-code.js';
import type { Bus } from '../pubsub/bus.js';
import { Calls } from '../pubsub/calls.js';
import type { Viewer } from './context.js';
import { PATIENCE } from './outlet.js';
import type { PassedAnswer, PassedRequest } from './passed-request.js';
import type { StreamDirectory } from './stream-directory.js';

/** How long a request waits for its stream to be opened, in milliseconds, and how often it looks. */
const OPENING_TIME = 5_000;
const POLL = 50;

const JSON_BODY = { 'content-type': 'application/json; charset=utf-8' };
const TOO_MANY: Answer = [null, { status: 429, statusText: 'Too Many Requests' }];
const UNKNOWN: Answer = [null, { status: 404, statusText: 'Not Found' }];
const TAKEN: Answer = [
  JSON.stringify({ errors: [{ message: 'Stream already open' }] }),
  { status: 409, statusText: 'Conflict', headers: JSON_BODY },
];
const UNAVAILABLE: Answer = [
  JSON.stringify({
    errors: [{ message: 'Redis is out of reach; try again.', extensions: { code: ErrorCode.UNAVAILABLE } }],
  }),
  { status: 503, statusText: 'Service Unavailable', headers: { ...JSON_BODY, 'retry-after': '1' } },
];

/**
 * The streams of the single connection mode where there are many instances, and each request of a client may reach
 * another one. A stream belongs to the instance that its GET reached; requests that reach others are passed on to it.
 */
export class SharedStreams implements Disposable {
  readonly #calls: Calls<PassedRequest, PassedAnswer>;

  /** @param answer what this instance answers to requests about streams that are open here */
  constructor(
    private readonly directory: StreamDirectory,
    bus: Bus,
    answer: (request: PassedRequest) => Promise<PassedAnswer>,
  ) {
    this.#calls = new Calls(bus, 'streams', answer);
  }

  async reserve({ sessionId }: Viewer): Promise<Answer> {
    const token = randomUUID();
    return await orUnavailable(async () => {
      if (!(await this.directory.reserve(sessionId, token, PATIENCE))) return TOO_MANY;
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      return [token, { status: 201, statusText: 'Created', headers }];
    });
  }

  /** Makes this instance the stream's; otherwise tells why not. */
  async claim({ sessionId, expiresAt }: Viewer, token: string): Promise<Answer | null> {
    return await orUnavailable(async () => {
      if (await this.directory.claim(sessionId, token, this.#calls.instance, expiresAt)) return null;
      return (await this.directory.find(sessionId, token)) ? TAKEN : UNKNOWN;
    });
  }

  /** While Redis is out of reach nothing is released; it expires with the access token. */
  release(sessionId: string, token: string): void {
    this.directory.release(sessionId, token).catch(() => {});
  }

  /** Has the stream's instance answer, in bounded time. */
  async pass({ sessionId }: Viewer, token: string, request: PassedRequest): Promise<Answer> {
    return await orUnavailable(async () => {
      const instance = await this.#instanceOf(sessionId, token);
      const answer = instance === null ? null : await this.#calls.ask(instance, request);
      return answer ?? UNKNOWN;
    });
  }

  /** Where it is open. A stream that was only reserved may be opened at the same time, by a request that takes longer. */
  async #instanceOf(sessionId: string, token: string): Promise<string | null> {
    for (let waited = 0; waited < OPENING_TIME; waited += POLL) {
      const state = await this.directory.find(sessionId, token);
      if (state?.kind !== 'reserved') return state?.instance ?? null;
      await sleep(POLL);
    }
    return null;
  }

  [Symbol.dispose](): void {
    this.#calls[Symbol.dispose]();
  }
}

const orUnavailable = <T>(ask: () => Promise<T | Answer>): Promise<T | Answer> => ask().catch(() => UNAVAILABLE);
