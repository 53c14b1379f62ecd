/** Decoding and parsing a message of this size takes long enough to be done in turns. */
export const LARGE_MESSAGE_BYTES = 16 * 1024;

/** What one connection, or one request, has received of a message that is not complete. */
export interface IncomingCounter extends Disposable {
  /** Counts bytes. Returns false when the limit of the address is exceeded. */
  add(bytes: number): boolean;
  /** The message is complete: releases its bytes. */
  reset(): void;
  /** The bytes of the incomplete message. */
  readonly bytes: number;
}

/** Limits the bytes of incomplete messages for each client address, because they are kept until the message is complete. */
export class IncomingBytes {
  readonly #byAddress = new Map<string, number>();

  constructor(private readonly maxPerAddress: number) {}

  open(address: string): IncomingCounter {
    let own = 0;
    const change = (difference: number) => {
      own += difference;
      const total = (this.#byAddress.get(address) ?? 0) + difference;
      if (total === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, total);
      return total;
    };
    const reset = () => void (own > 0 && change(-own));
    return {
      get bytes() {
        return own;
      },
      add: (bytes) => change(bytes) <= this.maxPerAddress,
      reset,
      [Symbol.dispose]: reset,
    };
  }
}
