import type { AnswerPart } from './answer-event.types.js';
import type { LiveAnswer } from './live-answer.js';

/** Shares live answers between instances. Losing shared text costs only liveness: the database is the source of truth. */
export interface SharedAnswers {
  /** Lets other instances follow an answer of this instance until it is finished. */
  share(live: LiveAnswer): void;
  /** Mirrors an answer that another instance generates, until it is disposed of. */
  follow(answerId: string): FollowedAnswer;
  /** Returns the text or the reasoning that was streamed, as far as it is known: used when the instance that generated it has failed. */
  getText(answerId: string, part: AnswerPart): Promise<string | null>;
}

export interface FollowedAnswer extends Disposable {
  readonly live: LiveAnswer;
}
