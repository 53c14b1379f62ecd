import { toMentionedProduct } from '../catalogue/product-mention.entity.js';
import { addProductMention } from '../catalogue/product-mentions.js';
import { ProductMarkerSplitter } from '../catalogue/product-marker.js';
import type { EntityManager } from '../platform/db/orm.js';
import { isTransient } from '../platform/db/transient-error.js';
import { retry } from '../platform/lifecycle/retry.js';
import { waitAtMost } from '../platform/lifecycle/wait-at-most.js';
import type { Logger } from '../platform/telemetry/log.js';
import type { Metrics } from '../platform/telemetry/metrics.js';
import { ProductShown } from './answer-event.types.js';
import { toLogIds, type PendingAnswer } from './answer-run.js';
import type { LiveAnswer } from './live-answer.js';

/** Further markers of an answer are removed without a look into the catalogue. */
const MAX_PRODUCTS = 50;

/** How long the end of an answer waits for its products. */
const TIMEOUT_MS = 5_000;

const BACKOFF = { initialMs: 100, maxMs: 1_000 };

export interface ShownProductsServices {
  fork: () => EntityManager;
  metrics: Metrics;
  log: Logger;
}

/**
 * Passes the text of a model on to an answer, without its markers, and stores the products that those name: as they are
 * in the catalogue then, one after the other. A marker of an unknown product leaves nothing.
 */
export class ShownProducts {
  readonly #splitter: ProductMarkerSplitter;
  /** Aborted when the answer waits no longer. */
  readonly #timeout = new AbortController();
  #count = 0;
  /** Resolves when the products so far are stored. */
  #stored: Promise<void> = Promise.resolve();

  constructor(
    private readonly services: ShownProductsServices,
    private readonly answer: PendingAnswer,
    private readonly live: LiveAnswer,
    private readonly leaseOwner: string,
  ) {
    const onText = (text: string) => live.append(text);
    const onProduct = (sku: string) => this.#add(sku);
    this.#splitter = new ProductMarkerSplitter({ onText, onProduct }, live.text);
  }

  /** Adds a piece of the model's text. */
  append(piece: string): void {
    this.#splitter.add(piece);
  }

  /**
   * Adds what is held back, and resolves when all products are stored. Call it before the outcome is stored.
   * @param isCut the model has not finished its text
   */
  async end({ isCut }: { isCut: boolean }): Promise<void> {
    this.#splitter.end({ isCut });
    await waitAtMost(TIMEOUT_MS, this.#stored);
    this.#timeout.abort();
  }

  #add(sku: string): void {
    this.#count += 1;
    if (this.#count > MAX_PRODUCTS) return;
    const offset = this.live.text.length;
    this.#stored = this.#stored.then(() => this.#store(sku, offset));
  }

  async #store(sku: string, offset: number): Promise<void> {
    const { fork, metrics, log } = this.services;
    const answer = { id: this.live.id, leaseOwner: this.leaseOwner };
    const { signal } = this.#timeout;
    try {
      const mention = await retry(() => addProductMention(fork(), answer, sku, offset), {
        ...BACKOFF,
        signal,
        onFailure(error) {
          if (!isTransient(error)) throw error;
        },
      });
      if (!mention) return;
      metrics.productsShown.inc();
      this.live.setItem(new ProductShown(toMentionedProduct(mention)));
    } catch (error) {
      log.warn({ err: error, ...toLogIds(this.answer) }, 'Could not store a product that an answer shows.');
    }
  }
}
