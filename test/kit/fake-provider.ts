import {
  startCompatibleServer,
  type ChatCompletionRequest,
  type ChatCompletionUsage,
  type CompletionReply,
} from '../../src/platform/model/compatible-server.js';

export const FAKE_MODEL = 'fake-1';

/** A request that a test answers by hand, token by token. */
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
 * A provider on a loopback port. It answers by itself, unless a test has taken the next call with `takeCall`: then it
 * does what the test says, and nothing else.
 */
export class FakeProvider implements AsyncDisposable {
  /** Every request for an answer that came, in order. */
  readonly requests: ChatCompletionRequest[] = [];
  /** Every request for a title or for metadata. */
  readonly structuredRequests: ChatCompletionRequest[] = [];
  readonly #takers: ((call: Call) => void)[] = [];
  /** What it answers by itself, token by token. */
  answer: (question: string) => Iterable<string> | AsyncIterable<string> = FakeProvider.echo;

  /** What it answers a structured request with; throws for a refusal. */
  structured: (name: string, request: ChatCompletionRequest) => unknown = (name) =>
    name === 'conversation_title' ? { title: 'A generated title' } : METADATA;

  private constructor(
    private readonly server: AsyncDisposable,
    readonly baseUrl: string,
  ) {}

  static async start(): Promise<FakeProvider> {
    const server = await startCompatibleServer(FAKE_MODEL, (request, reply) => provider.#serve(request, reply));
    const provider = new FakeProvider(server, server.baseUrl);
    return provider;
  }

  /** The next call that no one has taken yet. */
  takeCall(): Promise<Call> {
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** What it answers by itself, unless a test wants something else. */
  static echo(question: string): string[] {
    return ['You ', 'asked: ', question];
  }

  /** Ends a call as a provider that has said everything. */
  static done(call: CompletionReply): void {
    call.finish('stop', USAGE);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]() as Promise<void>;
  }

  async #serve(request: ChatCompletionRequest, reply: CompletionReply): Promise<void> {
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
    try {
      reply.delta(JSON.stringify(await this.structured(request.response_format!.json_schema!.name, request)));
      reply.finish('stop', STRUCTURED_USAGE);
    } catch {
      reply.fail(500, { message: 'refused by the test' });
    }
  }
}
