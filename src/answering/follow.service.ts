import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Viewer } from '../auth/viewer.js';
import { toMentionedProduct } from '../catalogue/product-mention.entity.js';
import { findProductMentions } from '../catalogue/product-mentions.js';
import { MessageStatus } from '../messages/message.enums.js';
import { messageById, toMessage, type MessageRow } from '../messages/message.row.js';
import type { MessageService } from '../messages/message.service.js';
import { findToolCalls } from '../messages/tool-calls.js';
import type { EntityManager } from '../platform/db/orm.js';
import type { QueryTarget } from '../platform/db/prepared-query.js';
import { isTransient } from '../platform/db/transient-error.js';
import { BadUserInputError, NotFoundError } from '../platform/errors/api-error.js';
import { createGenerator } from '../platform/graphql/async-generators.js';
import type { Receiver, RelaySource, Specimen } from '../platform/graphql/renderable-event.js';
import { TaskSet } from '../platform/lifecycle/task-set.js';
import { waitAtMost } from '../platform/lifecycle/wait-at-most.js';
import {
  AnswerDelta,
  AnswerFinished,
  createDelta,
  ProductShown,
  ReasoningDelta,
  ToolCallChanged,
  type AnswerItem,
  type Delta,
  type FollowEvent,
} from './answer-event.types.js';
import type { AnswerEngine } from './answer.engine.js';
import type { LiveAnswer, Progress } from './live-answer.js';
import type { SharedAnswers } from './shared-answers.js';

/** How often the database is asked for an answer whose text is not streamed to this instance. */
const POLL_INTERVAL_MS = 1_000;

/** Deltas whose values occur in no real one, so that a template can recognise them in a rendered result. */
export const SPECIMENS: readonly Specimen<Delta>[] = [AnswerDelta, ReasoningDelta].map((type) => ({
  event: new type(randomInt(2 ** 30, 2 ** 31), randomUUID(), randomUUID()),
  leaves: ['offset', 'text', 'textSoFar'],
}));

/** Without a reason, an error with a stack trace would be created for each follower. */
const LEFT = 'The follower has left.';

export class FollowService {
  /** One task for each follower. */
  readonly #following = new TaskSet();

  constructor(
    private readonly messages: MessageService,
    private readonly engine: AnswerEngine,
    private readonly shared: SharedAnswers | null,
    private readonly db: QueryTarget,
    private readonly fork: () => EntityManager,
  ) {}

  /**
   * Follows an answer from `offset`, in UTF-16 code units: reasoning, text, look-ups and products, then AnswerFinished.
   * If the answer is deleted meanwhile, the last event is a NotFoundError.
   * @throws BadUserInputError for a negative offset.
   * @throws NotFoundError if `answerId` is not an answer of the viewer's.
   */
  async follow(db: QueryTarget, viewer: Viewer, answerId: string, offset: number): Promise<RelaySource<Delta>> {
    if (offset < 0) throw new BadUserInputError({ offset: 'Must be 0 or the length of the text that you have.' });
    // Nothing is read for an answer that is generated here, unless an account has just claimed it.
    if (this.engine.getOwner(answerId) === viewer.userId) return this.#createSource(answerId, offset, true);
    const { id, status } = await this.messages.readAnswer(db, viewer, answerId);
    return this.#createSource(id, offset, status === MessageStatus.STREAMING);
  }

  /** The number of followers at this moment. */
  get followers(): number {
    return this.#following.size;
  }

  /** Resolves when there are no followers, or after `timeoutMs`. */
  async idle(timeoutMs: number): Promise<void> {
    await waitAtMost(timeoutMs, this.#following.idle());
  }

  #createSource(answerId: string, offset: number, isStreaming: boolean): RelaySource<Delta> {
    const stopped = new AbortController();
    const { signal } = stopped;
    const followShared = () => (this.engine.getLive(answerId) ? null : (this.shared?.follow(answerId) ?? null));
    let mirrored = isStreaming ? followShared() : null;
    const findLive = () => this.engine.getLive(answerId) ?? mirrored?.live ?? null;
    /** The answer is still being generated although its mirror is finished: it is being continued. */
    const onContinued = () => {
      if (!mirrored?.live.isFinished) return;
      mirrored[Symbol.dispose]();
      mirrored = followShared();
    };
    const progress: Progress = { text: offset, reasoning: 0, items: 0 };
    const events = this.#createEvents(answerId, { findLive, onContinued }, progress, signal);
    const following = this.#following.open();
    const leave = () => {
      if (signal.aborted) return;
      stopped.abort(LEFT);
      mirrored?.[Symbol.dispose]();
      following[Symbol.dispose]();
    };
    const generator = createGenerator(
      async () => {
        let hasMore = false;
        try {
          const event = await events.next();
          hasMore = !event.done;
          return event;
        } finally {
          // Also after a failure: the caller of a generator that has thrown does not call return().
          if (!hasMore) leave();
        }
      },
      () => {
        leave();
        return events.return();
      },
    );
    return Object.assign(generator, {
      specimens: SPECIMENS,
      relay: async (receiver: Receiver<Delta>) => await findLive()?.relay(progress, receiver, signal),
    });
  }

  /** Yields each event when it is asked for. A relay advances `progress` as well. */
  async *#createEvents(
    answerId: string,
    { findLive, onContinued }: { findLive: () => LiveAnswer | null; onContinued: () => void },
    progress: Progress,
    signal: AbortSignal,
  ): AsyncGenerator<FollowEvent, void> {
    /** The states of the items that were sent. */
    const sent = new Map<string, string>();
    while (!signal.aborted) {
      const live = findLive();
      if (live) {
        let event: Delta | AnswerItem | null;
        while ((event = await live.next(progress, signal))) {
          if (!('part' in event)) sent.set(event.id, event.state);
          yield event;
        }
        if (signal.aborted) return;
      }
      const stored = await this.#findStored(answerId);
      if (stored === null) {
        // Its conversation was deleted.
        yield new NotFoundError('answerId', 'answer');
        return;
      }
      if (stored !== 'unknown' && stored.answer.status !== MessageStatus.STREAMING) {
        const { answer, items } = stored;
        let delta: Delta | null;
        while ((delta = findStoredDelta(answer, progress))) {
          progress[delta.part] = delta.end;
          yield delta;
        }
        for (const item of items) if (sent.get(item.id) !== item.state) yield item;
        yield new AnswerFinished(answer);
        return;
      }
      onContinued();
      await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Returns the answer; null if it was deleted; `unknown` while the database is away. */
  async #findStored(answerId: string): Promise<{ answer: MessageRow; items: AnswerItem[] } | null | 'unknown'> {
    try {
      const row = await messageById.get(this.db, answerId);
      if (!row) return null;
      const answer = toMessage(row);
      const [toolCalls = []] = answer.toolCallCount === 0 ? [] : await findToolCalls(this.fork(), [answerId]);
      const [mentions = []] = answer.productCount === 0 ? [] : await findProductMentions(this.fork(), [answerId]);
      const items = [
        ...toolCalls.map((call) => new ToolCallChanged(call)),
        ...mentions.map((mention) => new ProductShown(toMentionedProduct(mention))),
      ];
      return { answer, items };
    } catch (error) {
      if (!isTransient(error)) throw error;
      return 'unknown';
    }
  }
}

const findStoredDelta = ({ content, reasoning }: MessageRow, progress: Progress): Delta | null =>
  createDelta(ReasoningDelta, reasoning ?? '', progress.reasoning) ?? createDelta(AnswerDelta, content, progress.text);
