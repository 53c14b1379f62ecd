/** Counts what is open by key, such as the connections of an address, up to a maximum for each key. */
export class OpenCounts {
  readonly #counts = new Map<string, number>();

  constructor(private readonly max: number) {}

  /** Counts one more until it is disposed of. Returns null at the maximum. */
  open(key = ''): Disposable | null {
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.max) return null;
    this.#counts.set(key, count + 1);
    let isOpen = true;
    return {
      [Symbol.dispose]: () => {
        if (!isOpen) return;
        isOpen = false;
        const left = this.#counts.get(key)! - 1;
        if (left === 0) this.#counts.delete(key);
        else this.#counts.set(key, left);
      },
    };
  }
}
