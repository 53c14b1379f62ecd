/** An async generator made of what its next step does and of how it ends early. */
export function generatorOf<T>(
  next: () => Promise<IteratorResult<T, void>>,
  end: () => Promise<unknown>,
): AsyncGenerator<T, void, undefined> {
  const generator: AsyncGenerator<T, void, undefined> = {
    next,
    return: async () => {
      await end();
      return { done: true, value: undefined };
    },
    throw: async (error: unknown) => {
      await end();
      throw error;
    },
    [Symbol.asyncDispose]: async () => void (await end()),
    [Symbol.asyncIterator]: () => generator,
  };
  return generator;
}

/**
 * A generator whose `return()` takes effect at once, also while it waits: an async generator alone would first sit out
 * the promise that it awaits. The signal given to `start` aborts, and whatever it awaits should end with it.
 */
export async function cancellable<T>(
  start: (signal: AbortSignal) => Promise<AsyncGenerator<T, void>>,
): Promise<AsyncGenerator<T, void, undefined>> {
  const controller = new AbortController();
  const source = await start(controller.signal);
  return generatorOf(
    () => source.next(),
    () => {
      controller.abort();
      return source.return();
    },
  );
}
