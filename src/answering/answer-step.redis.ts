import type { RedisConnection } from '../platform/redis/connection.redis.js';
import type { AnswerPart } from './answer-event.types.js';

interface Piece {
  /** In UTF-16 code units. */
  offset: number;
  text: string;
}

/** A message on an answer's channel: what was appended to its text or to its reasoning, or the end of the answer. */
export type AnswerStep = Piece | { reasoning: Piece } | { finished: true };

/** Where Redis keeps an answer: the keys hold its texts, the channel carries its steps. */
export interface AnswerLocation {
  keys: Readonly<Record<AnswerPart, string>>;
  channel: string;
}

/** The hash tag puts an answer's keys and its channel into one slot of a Cluster. */
export const locateAnswer = ({ prefix }: RedisConnection, answerId: string): AnswerLocation => ({
  keys: { text: `${prefix}answer:{${answerId}}`, reasoning: `${prefix}answer:{${answerId}}:reasoning` },
  channel: `${prefix}answer:{${answerId}}:steps`,
});
