import type { MeasuredProcess } from './measured-process.js';
import type { Flow } from './provider.js';

/** The provider's gate, from the runner's side. */
export class Gate {
  constructor(readonly provider: MeasuredProcess) {}

  /** Lets all answers flow that were asked, and those that will be. */
  async open(flow: Flow): Promise<void> {
    await this.#tell({ open: flow });
  }

  /** Ends all answers; what is asked from now on waits again. */
  async close(): Promise<void> {
    await this.#tell({ close: true });
  }

  /** Messages are taken in order: with the second's answer the first is known to be done. */
  async #tell(message: object): Promise<void> {
    this.provider.send(message);
    await this.provider.ask('cpu');
  }
}
