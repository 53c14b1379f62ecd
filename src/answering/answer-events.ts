import { createUnionType, Field, Int, ObjectType } from 'type-graphql';
import { Message } from '../messages/message.entity.js';

@ObjectType({ description: 'A piece of an answer.' })
export class AnswerDelta {
  @Field(() => Int, {
    description:
      "Where `text` belongs in the answer: the number of UTF-16 code units (JavaScript's string length) before it.",
  })
  readonly offset: number;

  @Field(() => String, { description: 'What was added. Never begins or ends inside of a character.' })
  readonly text: string;

  /** Everything so far, shared with the live answer: `textSoFar` is cut from it only when it is asked for. */
  readonly #whole: string;

  constructor(whole: string, offset: number) {
    this.offset = offset;
    this.text = whole.slice(offset);
    this.#whole = whole;
  }

  /** What lies beyond `offset`, or null where there is nothing yet. */
  static from(whole: string, offset: number): AnswerDelta | null {
    if (offset >= whole.length) return null;
    return new AnswerDelta(whole, isInsideCharacter(whole, offset) ? offset - 1 : offset);
  }

  @Field(() => String, {
    description: 'The whole answer up to and with this text, for whoever would rather replace than append.',
  })
  get textSoFar(): string {
    return this.#whole;
  }

  /** The offset that the next delta begins at. */
  get end(): number {
    return this.#whole.length;
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
