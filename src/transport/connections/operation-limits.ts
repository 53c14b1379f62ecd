import { RateLimitedError } from '../../platform/errors/api-error.js';
import type { RequestContext } from '../../platform/graphql/context.js';
import { DisposableList } from '../../platform/lifecycle/disposables.js';
import { Turns } from '../../platform/limits/turns.js';
import { HeldOperations } from './held-operations.js';
import type { IncomingBytes } from './incoming-bytes.js';
import { OpenCounts } from './open-counts.js';
import type { ReceivedOperation } from './operation-size.js';

/** Advice when to try again. */
const RETRY_AFTER_SECONDS = 5;

/** How many addresses of clients that are not signed in one of signed-in clients counts as. */
const SIGNED_IN_WEIGHT = 16;

/** What decides about the turn of an operation. */
export type TurnTaker = Pick<RequestContext, 'client' | 'hasValidToken'>;

export interface OperationLimitOptions {
  /** Counts the memory of operations for their client addresses. */
  memory: IncomingBytes;
  maxPerConnection: number;
  maxSubscriptionsPerUser: number;
  /** Called before each operation, which may write a large result. */
  beforeOperation: () => void;
}

/**
 * Counts an operation until it is disposed of.
 * @throws RateLimitedError when too many are in progress, or when they are too large
 */
export type OperationCounter = (operation: ReceivedOperation) => Disposable;

/**
 * Limits the operations that are in progress on a connection, their memory for each client address, and the subscriptions
 * of a user at this instance. Client addresses take turns in starting operations. The turns of signed-in clients come
 * sooner.
 */
export class OperationLimits {
  readonly #subscriptions: OpenCounts;
  readonly #held: HeldOperations;
  readonly #turns = new Turns();

  constructor(private readonly options: OperationLimitOptions) {
    this.#subscriptions = new OpenCounts(options.maxSubscriptionsPerUser);
    this.#held = new HeldOperations(options.memory);
  }

  /** Creates the counter of a connection, whose client has this address. */
  createConnection(address: string): OperationCounter {
    const operations = new OpenCounts(this.options.maxPerConnection);
    return (operation) => {
      const opened = operations.open();
      if (!opened) {
        const { maxPerConnection } = this.options;
        throw new RateLimitedError(
          RETRY_AFTER_SECONDS,
          `A connection may have ${maxPerConnection} operations in progress; complete one first.`,
        );
      }
      const resources = new DisposableList();
      resources.use(opened);
      try {
        resources.use(this.#held.hold(address, operation));
      } catch (error) {
        resources[Symbol.dispose]();
        throw error;
      }
      return resources;
    };
  }

  /** Resolves when an operation may start. */
  async takeTurn({ client: { address }, hasValidToken }: TurnTaker): Promise<void> {
    if (hasValidToken) await this.#turns.take(`signed in ${address}`, SIGNED_IN_WEIGHT);
    else await this.#turns.take(address);
    this.options.beforeOperation();
  }

  /** Counts a subscription until it is disposed of. @throws RateLimitedError */
  openSubscription(userId: string): Disposable {
    const opened = this.#subscriptions.open(userId);
    if (opened) return opened;
    const { maxSubscriptionsPerUser } = this.options;
    throw new RateLimitedError(
      RETRY_AFTER_SECONDS,
      `You have ${maxSubscriptionsPerUser} subscriptions already; complete one first.`,
    );
  }
}
