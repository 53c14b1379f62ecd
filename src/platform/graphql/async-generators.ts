/** Creates an async generator. @param next takes the next step @param end called when the consumer ends it early */
export const createGenerator = <T>(
  next: () => Promise<IteratorResult<T, void>>,
  end: () => Promise<unknown>,
): AsyncGenerator<T, void, undefined> => new Generator(next, end);

/** A class, because each subscription holds several of them: an object literal would need a closure for each method. */
class Generator<T> implements AsyncGenerator<T, void, undefined> {
  constructor(
    readonly next: () => Promise<IteratorResult<T, void>>,
    private readonly end: () => Promise<unknown>,
  ) {}

  async return(): Promise<IteratorResult<T, void>> {
    await this.end();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<T, void>> {
    await this.end();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/**
 * Creates a generator whose `return()` takes effect at once, even while a promise is awaited; that of an async function*
 * would wait for the promise. It aborts the signal passed to `start`, which should settle whatever is awaited.
 */
export async function createCancellableGenerator<T>(
  start: (signal: AbortSignal) => Promise<AsyncGenerator<T, void>>,
): Promise<AsyncGenerator<T, void, undefined>> {
  const controller = new AbortController();
  const source = await start(controller.signal);
  return createGenerator(
    () => source.next(),
    () => {
      // With a reason, no error is created.
      controller.abort('ended');
      return source.return();
    },
  );
}

/** Returns a generator with the same values. @param close called when it ends, fails or is ended early; may be called twice */
export const onEnd = <T>(source: AsyncGenerator<T, void, undefined>, close: () => void) =>
  createGenerator<T>(
    async () => {
      let hasMore = false;
      try {
        const step = await source.next();
        hasMore = !step.done;
        return step;
      } finally {
        if (!hasMore) close();
      }
    },
    async () => {
      close();
      await source.return();
    },
  );
