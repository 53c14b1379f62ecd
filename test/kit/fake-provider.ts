import {
  startOpenAICompatibleServer,
  type ChatCompletionRequest,
  type ChatCompletionUsage,
  type CompletionReply,
} from '../../src/demo/openai-compatible-server.js';

export const FAKE_MODEL = 'fake-1';

/** A request that a test answers itself, token by token. */
export interface Call extends CompletionReply {
  readonly request: ChatCompletionRequest;
}

const STRUCTURED_USAGE: ChatCompletionUsage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };

export const METADATA = {
  interests: ['tents'],
  offeredProducts: ['Fernlight'],
  rejectedProducts: ['Ridgeline'],
  saleStatus: 'INTERESTED',
  lastIntent: 'compare',
  summary: 'Two people, in May.',
};

const USAGE: ChatCompletionUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

/**
 * A provider on a loopback port. It answers each request with `answer` or `structured`, except those that a test takes
 * over with `takeCall`.
 */
export class FakeProvider implements AsyncDisposable {
  /** The requests for answers, in order. */
  readonly requests: ChatCompletionRequest[] = [];
  /** The requests for titles and metadata, in order. */
  readonly structuredRequests: ChatCompletionRequest[] = [];
  readonly #takers: ((call: Call) => void)[] = [];
  /** Returns the tokens of an answer. */
  answer: (question: string) => Iterable<string> | AsyncIterable<string> = FakeProvider.echo;

  /** Returns the value for a structured request, or the pieces of its text; if it throws, the response is a 500, or breaks off. */
  structured: (name: string, request: ChatCompletionRequest) => unknown = (name) =>
    name === 'conversation_title' ? { title: 'A generated title' } : METADATA;

  /** Returns the error of a structured request, or null. */
  refuseStructured: (request: ChatCompletionRequest) => { message: string; code?: string } | null = () => null;

  /** How many requests are answered at once. Others wait, as at a local server with few slots. */
  slots = Infinity;
  #busy = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor(
    private readonly server: AsyncDisposable,
    readonly baseUrl: string,
  ) {}

  static async start(): Promise<FakeProvider> {
    const server = await startOpenAICompatibleServer(FAKE_MODEL, (request, reply) => provider.#serve(request, reply));
    const provider = new FakeProvider(server, server.baseUrl);
    return provider;
  }

  /** Resolves with the next request for an answer that is not taken yet. */
  takeCall(): Promise<Call> {
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** The default answer. */
  static echo(question: string): string[] {
    return ['You ', 'asked: ', question];
  }

  /** Ends an answer successfully. */
  static done(call: CompletionReply): void {
    call.finish('stop', USAGE);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]() as Promise<void>;
  }

  /** Resolves when the request has a slot, which it keeps until its response is closed; false if it was closed before. */
  async #takeSlot({ signal }: CompletionReply): Promise<boolean> {
    if (this.#busy < this.slots) this.#busy += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const release = () => {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy -= 1;
    };
    if (signal.aborted) release();
    else signal.addEventListener('abort', release, { once: true });
    return !signal.aborted;
  }

  async #serve(request: ChatCompletionRequest, reply: CompletionReply): Promise<void> {
    if (!(await this.#takeSlot(reply))) return;
    if (request.response_format) return this.#serveStructured(request, reply);
    this.requests.push(request);
    const taker = this.#takers.shift();
    if (taker) return taker({ ...reply, request });
    const question = request.messages.findLast(({ role }) => role === 'user')?.content ?? '';
    for await (const token of this.answer(question)) {
      if (reply.signal.aborted) return;
      reply.delta(token);
    }
    FakeProvider.done(reply);
  }

  async #serveStructured(request: ChatCompletionRequest, reply: CompletionReply): Promise<void> {
    this.structuredRequests.push(request);
    const refusal = this.refuseStructured(request);
    if (refusal) return reply.fail(400, refusal);
    let hasBegun = false;
    try {
      const value = await this.structured(request.response_format!.json_schema!.name, request);
      if (isPieces(value)) {
        for await (const piece of value) {
          if (reply.signal.aborted) return;
          reply.delta(piece);
          hasBegun = true;
        }
      } else reply.delta(JSON.stringify(value));
      reply.finish('stop', STRUCTURED_USAGE);
    } catch {
      if (hasBegun) setImmediate(() => reply.breakOff());
      else reply.fail(500, { message: 'refused by the test' });
    }
  }
}

const isPieces = (value: unknown): value is AsyncIterable<string> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
