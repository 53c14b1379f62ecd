import type { ServerResponse } from 'node:http';
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { generatorOf } from './cancellable.js';
import { Outlet } from './outlet.js';
import { flushed, isOpen } from './stream-writing.js';
import { subscribePerEvent, type ResultSender } from './subscribe.js';

export interface StreamedArgs extends ExecutionArgs {
  /** The response that the results go to: null while that is not open yet. */
  target: () => ServerResponse | null;
  /** Null where the operation has its stream for itself, and so needs no name in it. */
  operationId: string | null;
}

/** Subscriptions whose results go into event streams; those that share a stream share its outlet. */
export class StreamSubscriptions {
  readonly #outlets = new WeakMap<ServerResponse, Outlet>();

  /** graphql-sse keeps what its reader has not taken yet, without a bound: so nothing is made before that is read. */
  async subscribe(args: StreamedArgs): Promise<AsyncGenerator<ExecutionResult, void, undefined> | ExecutionResult> {
    const { target, operationId } = args;
    const [before, after] = operationId === null ? ['', ''] : [`{"id":${JSON.stringify(operationId)},"payload":`, '}'];
    const outletOf = (response: ServerResponse) => this.#outletOf(response);
    let response: ServerResponse | null = null;
    const sender: ResultSender = {
      get outlet() {
        return outletOf(response!);
      },
      send(result) {
        if (isOpen(response!)) response!.write(`event: next\ndata: ${before}${result}${after}\n\n`);
      },
    };
    const events = await subscribePerEvent({ ...args, sender });
    if (!(Symbol.asyncIterator in events)) return events;
    return generatorOf<ExecutionResult>(
      async () => {
        response = await flushed(target);
        return response ? await events.next() : await events.return();
      },
      () => events.return(),
    );
  }

  #outletOf(response: ServerResponse): Outlet {
    let outlet = this.#outlets.get(response);
    if (!outlet) this.#outlets.set(response, (outlet = new Outlet(response)));
    return outlet;
  }
}
