import type { DocumentNode } from 'graphql';
import { RateLimitedError } from '../../platform/errors/api-error.js';
import { DisposableList } from '../../platform/lifecycle/disposables.js';
import type { IncomingBytes, IncomingCounter } from './incoming-bytes.js';
import { getTextLength, TREE_BYTES_PER_CODE_UNIT } from '../documents/document-size.js';
import { estimateOperationBytes, type ReceivedOperation } from './operation-size.js';

/** Advice when to try again. */
const RETRY_AFTER_SECONDS = 5;

/** Why an operation is refused whose address has too much in progress. */
export const tooLargeInProgress = (): RateLimitedError =>
  new RateLimitedError(
    RETRY_AFTER_SECONDS,
    'The operations in progress from your network address are too large; complete one first.',
  );

interface HeldTree {
  counter: IncomingCounter;
  operationCount: number;
}

/**
 * Counts the memory of the operations in progress for each client address: a subscription keeps its message and its
 * document for as long as it lasts. Operations with the same document share its syntax tree.
 */
export class HeldOperations {
  /** By document, and then by address. */
  readonly #trees = new WeakMap<DocumentNode, Map<string, HeldTree>>();

  constructor(private readonly memory: IncomingBytes) {}

  /** Counts an operation until it is disposed of. @throws RateLimitedError when its address has too much in progress */
  hold(address: string, operation: ReceivedOperation): Disposable {
    const held = new DisposableList();
    if (operation.document) held.use(this.#holdTree(address, operation.document));
    const counter = this.memory.open(address);
    held.use(counter);
    if (counter.add(estimateOperationBytes(operation))) return held;
    held[Symbol.dispose]();
    throw tooLargeInProgress();
  }

  /** Counts a syntax tree while an operation of the address holds it. */
  #holdTree(address: string, document: DocumentNode): Disposable {
    let byAddress = this.#trees.get(document);
    if (!byAddress) this.#trees.set(document, (byAddress = new Map<string, HeldTree>()));
    let tree = byAddress.get(address);
    if (!tree) {
      tree = { counter: this.memory.open(address), operationCount: 0 };
      tree.counter.add(getTextLength(document) * TREE_BYTES_PER_CODE_UNIT);
      byAddress.set(address, tree);
    }
    tree.operationCount += 1;
    return {
      [Symbol.dispose]() {
        tree.operationCount -= 1;
        if (tree.operationCount > 0) return;
        tree.counter[Symbol.dispose]();
        byAddress.delete(address);
      },
    };
  }
}
