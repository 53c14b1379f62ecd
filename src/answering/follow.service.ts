import { setTimeout as sleep } from 'node:timers/promises';
import type { Viewer } from '../auth/viewer.js';
import { Message } from '../messages/message.entity.js';
import { MessageStatus } from '../messages/message.enums.js';
import type { MessageService } from '../messages/message.service.js';
import type { EntityManager } from '../platform/db/database.js';
import { BadUserInputError } from '../platform/errors/api-error.js';
import { AnswerDelta, AnswerFinished } from './answer-events.js';
import type { AnswerEngine } from './answer.engine.js';

/** How often an answer that is generated nowhere here is looked up until it ends, in milliseconds. */
const POLL = 1_000;
const SHORT_POLL = 20;

export class FollowService {
  /** How many are following at this moment. */
  #followers = 0;

  constructor(
    private readonly messages: MessageService,
    private readonly engine: AnswerEngine,
    private readonly fork: () => EntityManager,
  ) {}

  /**
   * Follows an answer from `offset`, in UTF-16 code units: deltas, then AnswerFinished.
   * @throws BadUserInputError for a negative offset.
   * @throws NotFoundError for what is no answer of the viewer's.
   */
  async follow(
    em: EntityManager,
    viewer: Viewer,
    answerId: string,
    offset: number,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<AnswerDelta | AnswerFinished, void>> {
    if (offset < 0) throw new BadUserInputError({ offset: 'Give 0 or the length of the text that you have.' });
    const answer = await this.messages.getAnswer(em, viewer, answerId);
    return this.#events(answer.id, offset, signal);
  }

  /** Resolves when nobody follows any more, or after so many milliseconds. */
  async idle(patience: number): Promise<void> {
    for (let waited = 0; this.#followers > 0 && waited < patience; waited += SHORT_POLL) await sleep(SHORT_POLL);
  }

  async *#events(
    answerId: string,
    offset: number,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerDelta | AnswerFinished, void> {
    this.#followers += 1;
    try {
      while (!signal.aborted) {
        const live = this.engine.live(answerId);
        if (live) {
          for (let delta = await live.next(offset, signal); delta; delta = await live.next(offset, signal)) {
            offset = delta.end;
            yield delta;
          }
          if (signal.aborted) return;
        }
        // In the database lies what became of it; a fork of its own, since any later one would be stale.
        const answer = await this.fork().findOne(Message, { id: answerId });
        if (!answer) return;
        if (answer.status !== MessageStatus.STREAMING) {
          const rest = AnswerDelta.from(answer.content, offset);
          if (rest) yield rest;
          yield new AnswerFinished(answer);
          return;
        }
        if (!live) await sleep(POLL, undefined, { signal }).catch(() => {});
      }
    } finally {
      this.#followers -= 1;
    }
  }
}
