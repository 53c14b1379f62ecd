import { AnswerErrorCode, type FinishReason, MessageStatus } from '../messages/message.enums.js';
import type { CallIds } from '../platform/model/chat-model.js';
import type { Cost } from '../usage/usage.service.js';
import type { LiveAnswer } from './live-answer.js';

/** Identifies an answer, its conversation and its owner. */
export interface AnswerRef {
  id: string;
  conversationId: string;
  ownerId: string;
  /** The session whose request started the answer, or ended it; null if there is none. */
  sessionId: string | null;
}

/** A stored answer that is to be generated. */
export interface PendingAnswer extends AnswerRef {
  /** The request that asked, for the log. */
  requestId: string;
  position: number;
  /** The look-ups of an answer that is continued so far; 0 for a new answer. */
  toolCallCount: number;
  /** What an answer that is continued consists of so far; null for a new answer. */
  beginning: Beginning | null;
}

export interface Beginning {
  content: string;
  reasoning: string;
  cost: Cost | null;
}

/** An answer that this instance generates. */
export interface AnswerRun extends PendingAnswer {
  live: LiveAnswer;
  /** Aborted with one of the reasons below. */
  abort: AbortController;
  /** Resolves when the outcome is stored and the followers are released. */
  finished: Promise<void>;
}

/** Returns what identifies an answer in the log. */
export const toLogIds = ({
  requestId,
  ownerId,
  conversationId,
  id,
}: Omit<AnswerRef, 'sessionId'> & { requestId?: string }): CallIds => ({
  ...(requestId === undefined ? {} : { requestId }),
  userId: ownerId,
  conversationId,
  answerId: id,
});

/** The user has stopped the answer. */
export class StopRequested extends Error {
  constructor(readonly sessionId: string) {
    super();
  }
}
/** The server shuts down. */
export class ServerEnding extends Error {}
/** Another instance has taken over the answer, or its conversation was deleted. */
export class LeaseLost extends Error {}

/** The outcome of a run, as it is stored. */
export interface Outcome {
  status: MessageStatus;
  errorCode: AnswerErrorCode | null;
  finishReason: FinishReason | null;
  model: string | null;
  /** Null if no tokens were used. */
  cost: Cost | null;
  /** Products that were put into the prompt because the model cannot look them up; may be empty. */
  given?: string;
}

/** The outcome of an answer that another instance stores: because its lease has expired, or because its user stopped it. */
export type TakeoverOutcome = typeof INTERRUPTED | typeof STOPPED;
export const INTERRUPTED = { status: MessageStatus.FAILED, errorCode: AnswerErrorCode.INTERRUPTED } as const;
export const STOPPED = { status: MessageStatus.STOPPED, errorCode: null } as const;
