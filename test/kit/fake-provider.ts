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

const USAGE: ChatCompletionUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

/**
 * A provider on a loopback port. It answers by itself, unless a test has taken the next call with `takeCall`: then it
 * does what the test says, and nothing else.
 */
export class FakeProvider implements AsyncDisposable {
  /** Every request that came, in order. */
  readonly requests: ChatCompletionRequest[] = [];
  readonly #takers: ((call: Call) => void)[] = [];
  /** What it answers by itself. */
  answer: (question: string) => string[] = (question) => ['You ', 'asked: ', question];

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

  /** Ends a call as a provider that has said everything. */
  static done(call: CompletionReply): void {
    call.finish('stop', USAGE);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]() as Promise<void>;
  }

  async #serve(request: ChatCompletionRequest, reply: CompletionReply): Promise<void> {
    this.requests.push(request);
    const taker = this.#takers.shift();
    if (taker) return taker({ ...reply, request });
    const question = request.messages.findLast(({ role }) => role === 'user')?.content ?? '';
    for (const token of this.answer(question)) reply.delta(token);
    FakeProvider.done(reply);
  }
}
