import type { MeasuredProcess } from './measured-process.js';
import type { Flow } from './provider.js';

/** Controls the gate of the provider process. */
export class Gate {
  constructor(readonly provider: MeasuredProcess) {}

  /** Lets all requested answers flow, and those that are requested from now on. */
  async open(flow: Flow): Promise<void> {
    await this.#send({ open: flow });
  }

  /** Finishes all answers. Answers that are requested from now on wait for the next `open`. */
  async close(): Promise<void> {
    await this.#send({ close: true });
  }

  /** The provider handles messages in order, so the response to the second confirms the first. */
  async #send(message: object): Promise<void> {
    this.provider.send(message);
    await this.provider.request('cpu');
  }
}
