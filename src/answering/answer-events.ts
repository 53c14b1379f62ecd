import { createUnionType, Field, Int, ObjectType } from 'type-graphql';
import type { PlainEvent } from '../platform/graphql/plain-events.js';
import type { ResultTemplate } from '../platform/graphql/result-template.js';
import { Message } from '../messages/message.entity.js';

/**
 * In UTF-16 code units. A slow reader gets on with each piece, and comes back from there; it could lose its connection
 * over a whole book again and again.
 */
export const LONGEST_DELTA = 16_384;

@ObjectType({ description: 'A piece of an answer.' })
export class AnswerDelta implements PlainEvent {
  @Field(() => Int, {
    description:
      "Where `text` belongs in the answer: the number of UTF-16 code units (JavaScript's string length) before it.",
  })
  readonly offset: number;

  @Field(() => String, { description: 'What was added. Never begins or ends inside of a character.' })
  readonly text: string;

  @Field(() => String, {
    description: 'The whole answer up to and with this text, for whoever would rather replace than append.',
  })
  readonly textSoFar: string;

  readonly rendered = new Map<ResultTemplate, string>();

  constructor(offset: number, text: string, textSoFar: string) {
    this.offset = offset;
    this.text = text;
    this.textSoFar = textSoFar;
  }

  /** What lies beyond `offset`, or as much of it as one delta holds; null where there is nothing yet. */
  static from(whole: string, offset: number): AnswerDelta | null {
    if (offset >= whole.length) return null;
    const start = isInsideCharacter(whole, offset) ? offset - 1 : offset;
    let end = Math.min(start + LONGEST_DELTA, whole.length);
    if (isInsideCharacter(whole, end)) end -= 1;
    return new AnswerDelta(start, whole.slice(start, end), whole.slice(0, end));
  }

  /** The offset that the next delta begins at. */
  get end(): number {
    return this.textSoFar.length;
  }
}

@ObjectType({ description: 'The end of an answer, whatever it was; the subscription then completes.' })
export class AnswerFinished {
  @Field(() => Message, { description: 'The stored answer, with its final status, content, error and usage.' })
  readonly answer: Message;

  constructor(answer: Message) {
    this.answer = answer;
  }
}

export const AnswerEvent = createUnionType({
  name: 'AnswerEvent',
  description: 'What a follower of an answer is told.',
  types: () => [AnswerDelta, AnswerFinished] as const,
  resolveType: (event) => (event instanceof AnswerDelta ? AnswerDelta : AnswerFinished),
});

function isInsideCharacter(text: string, offset: number): boolean {
  const unit = text.charCodeAt(offset);
  const before = text.charCodeAt(offset - 1);
  return unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff;
}
