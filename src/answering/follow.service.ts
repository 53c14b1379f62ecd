import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Viewer } from '../auth/viewer.js';
import { Message } from '../messages/message.entity.js';
import { MessageStatus } from '../messages/message.enums.js';
import type { MessageService } from '../messages/message.service.js';
import type { EntityManager } from '../platform/db/database.js';
import { isPassing } from '../platform/db/passing.js';
import { BadUserInputError } from '../platform/errors/api-error.js';
import { generatorOf } from '../platform/graphql/cancellable.js';
import type { Receiver, RelaySource } from '../platform/graphql/plain-events.js';
import { AnswerDelta, AnswerFinished } from './answer-events.js';
import type { AnswerEngine } from './answer.engine.js';
import type { LiveAnswer } from './live-answer.js';
import type { SharedAnswers } from './shared-answers.js';

/** How often an answer that is generated nowhere here is looked up until it ends, in milliseconds. */
const POLL = 1_000;
const SHORT_POLL = 20;

/** What no answer holds where, so that it is known again in what a subscription makes of it. */
export const SPECIMEN: RelaySource<AnswerDelta>['specimen'] = {
  event: new AnswerDelta(randomInt(2 ** 30, 2 ** 31), randomUUID(), randomUUID()),
  leaves: ['offset', 'text', 'textSoFar'],
};

export class FollowService {
  /** How many are following at this moment. */
  #followers = 0;

  constructor(
    private readonly messages: MessageService,
    private readonly engine: AnswerEngine,
    private readonly shared: SharedAnswers | null,
    private readonly fork: () => EntityManager,
  ) {}

  /**
   * Follows an answer from `offset`, in UTF-16 code units: deltas, then AnswerFinished.
   * @throws BadUserInputError for a negative offset.
   * @throws NotFoundError for what is no answer of the viewer's.
   */
  async follow(em: EntityManager, viewer: Viewer, answerId: string, offset: number): Promise<RelaySource<AnswerDelta>> {
    if (offset < 0) throw new BadUserInputError({ offset: 'Give 0 or the length of the text that you have.' });
    const { id, status } = await this.messages.getAnswer(em, viewer, answerId);
    return this.#following(id, offset, status === MessageStatus.STREAMING);
  }

  get followers(): number {
    return this.#followers;
  }

  /** Resolves when nobody follows any more, or after so many milliseconds. */
  async idle(patience: number): Promise<void> {
    for (let waited = 0; this.#followers > 0 && waited < patience; waited += SHORT_POLL) await sleep(SHORT_POLL);
  }

  #following(answerId: string, from: number, isRunning: boolean): RelaySource<AnswerDelta> {
    const stopped = new AbortController();
    const { signal } = stopped;
    const elsewhere = isRunning && !this.engine.live(answerId) ? this.shared?.follow(answerId) : null;
    const live = () => this.engine.live(answerId) ?? elsewhere?.live ?? null;
    const at = { offset: from };
    const events = this.#events(answerId, live, at, signal);
    const leave = () => {
      if (signal.aborted) return;
      stopped.abort();
      elsewhere?.[Symbol.dispose]();
      this.#followers -= 1;
    };
    this.#followers += 1;
    const generator = generatorOf(
      async () => {
        let goesOn = false;
        try {
          const event = await events.next();
          goesOn = !event.done;
          return event;
        } finally {
          // Also where it fails: whoever is told so does not come back to end it.
          if (!goesOn) leave();
        }
      },
      () => {
        leave();
        return events.return();
      },
    );
    return Object.assign(generator, {
      specimen: SPECIMEN,
      relay: async (receiver: Receiver<AnswerDelta>) => {
        at.offset = (await live()?.relay(at.offset, receiver, signal)) ?? at.offset;
      },
    });
  }

  /** Each event when it is asked for. `at` is where the follower stands; a relay moves it, too. */
  async *#events(
    answerId: string,
    findLive: () => LiveAnswer | null,
    at: { offset: number },
    signal: AbortSignal,
  ): AsyncGenerator<AnswerDelta | AnswerFinished, void> {
    while (!signal.aborted) {
      const live = findLive();
      if (live) {
        for (let delta = await live.next(at.offset, signal); delta; delta = await live.next(at.offset, signal)) {
          at.offset = delta.end;
          yield delta;
        }
        if (signal.aborted) return;
      }
      const answer = await this.#stored(answerId);
      if (answer === null) return;
      if (answer !== 'unknown' && answer.status !== MessageStatus.STREAMING) {
        for (let rest = AnswerDelta.from(answer.content, at.offset); rest;) {
          at.offset = rest.end;
          yield rest;
          rest = AnswerDelta.from(answer.content, at.offset);
        }
        yield new AnswerFinished(answer);
        return;
      }
      await sleep(POLL, undefined, { signal }).catch(() => {});
    }
  }

  /** What became of it; a fork of its own, since any later one would be stale. While the database is away that is unknown. */
  async #stored(answerId: string): Promise<Message | null | 'unknown'> {
    try {
      return await this.fork().findOne(Message, { id: answerId });
    } catch (error) {
      if (!isPassing(error)) throw error;
      return 'unknown';
    }
  }
}
