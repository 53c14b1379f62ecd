import type { LiveAnswer } from './live-answer.js';

/** The live answers of all instances. What is lost here costs only liveness: the database holds the truth. */
export interface SharedAnswers {
  /** Lets other instances follow an answer that is generated here, until it ends. */
  share(live: LiveAnswer): void;
  /** An answer that another instance generates, growing here as it does there; let go of when disposed of. */
  follow(answerId: string): FollowedAnswer;
  /** All that was streamed of an answer, as far as it is known; for those whose instance has gone. */
  textOf(answerId: string): Promise<string | null>;
}

export interface FollowedAnswer extends Disposable {
  readonly live: LiveAnswer;
}
