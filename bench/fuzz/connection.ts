import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often it is checked whether something has arrived. */
const POLL_INTERVAL_MS = 10;

/** Everything that a TCP connection has received. */
export class Received {
  readonly #parts: Buffer[] = [];
  #length = 0;
  isClosed = false;

  /** @param now the clock for the time to wait */
  constructor(
    private readonly socket: Socket,
    private readonly now: () => number = () => performance.now(),
  ) {
    socket.on('data', (bytes: Buffer) => {
      this.#parts.push(bytes);
      this.#length += bytes.length;
    });
    socket.once('close', () => (this.isClosed = true));
    socket.resume();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Resolves when nothing has arrived for some time, or the connection has closed. */
  async quiet(milliseconds: number): Promise<void> {
    let before = -1;
    for (let waited = 0; waited < milliseconds && !this.isClosed; waited += POLL_INTERVAL_MS) {
      if (this.#length !== before) waited = 0;
      before = this.#length;
      await sleep(POLL_INTERVAL_MS);
    }
  }

  /** Resolves to whether the condition holds before the timeout or the end of the connection. */
  async until(condition: (bytes: Buffer) => boolean, milliseconds: number): Promise<boolean> {
    const end = this.now() + milliseconds;
    for (let checked = -1; ; await sleep(POLL_INTERVAL_MS)) {
      const isOver = this.isClosed || this.socket.destroyed || this.now() > end;
      if (this.#length !== checked && condition(this.bytes)) return true;
      if (isOver) return false;
      checked = this.#length;
    }
  }
}
