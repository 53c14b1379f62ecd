import type { MentionedProduct } from '../catalogue/product-mention.entity.js';
import type { RedisConnection } from '../platform/redis/connection.redis.js';
import type { AnswerPart, ToolCallView } from './answer-event.types.js';

interface Piece {
  /** In UTF-16 code units. */
  offset: number;
  text: string;
}

/** The state of an item, in the order of its states. */
export type ItemState = { revision: number } & ({ toolCall: ToolCallView } | { mention: MentionedProduct });

/**
 * A message on an answer's channel: what was appended to its text or to its reasoning, an item that has changed, or the
 * end of the answer.
 */
export type AnswerStep = Piece | { reasoning: Piece } | { item: ItemState } | { finished: true };

/** Where Redis keeps an answer: the keys hold its texts and, by id, its items; the channel carries its steps. */
export interface AnswerLocation {
  keys: Readonly<Record<AnswerPart | 'items', string>>;
  channel: string;
}

/** The hash tag puts an answer's keys and its channel into one slot of a Cluster. */
export const locateAnswer = ({ prefix }: RedisConnection, answerId: string): AnswerLocation => ({
  keys: {
    text: `${prefix}answer:{${answerId}}`,
    reasoning: `${prefix}answer:{${answerId}}:reasoning`,
    items: `${prefix}answer:{${answerId}}:items`,
  },
  channel: `${prefix}answer:{${answerId}}:steps`,
});
