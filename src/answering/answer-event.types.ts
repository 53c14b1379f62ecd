import { createUnionType, Field, Int, ObjectType } from 'type-graphql';
import { ProductMention, type MentionedProduct } from '../catalogue/product-mention.entity.js';
import type { RenderableEvent } from '../platform/graphql/renderable-event.js';
import { Message } from '../messages/message.entity.js';
import type { MessageRow } from '../messages/message.row.js';
import { ToolCall } from '../messages/tool-call.entity.js';
import type { NotFoundError } from '../platform/errors/api-error.js';

/**
 * The maximum length of a delta, in UTF-16 code units. A client that loses its connection has to receive at most one delta
 * again.
 */
export const MAX_DELTA_LENGTH = 16_384;

/** The two texts of an answer that grow while it is generated. */
export type AnswerPart = 'text' | 'reasoning';

/** A piece of one of the two texts. */
export interface Delta extends RenderableEvent {
  readonly part: AnswerPart;
  readonly offset: number;
  readonly text: string;
  readonly textSoFar: string;
  /** The offset at which the next delta begins. */
  readonly end: number;
}

@ObjectType({ description: 'A piece of the text of an answer.' })
export class AnswerDelta implements Delta {
  readonly part = 'text';

  @Field(() => Int, {
    description:
      "Position of `text` in the answer: the number of UTF-16 code units (JavaScript's string length) before it.",
  })
  readonly offset: number;

  @Field(() => String, { description: 'The added text. It never begins or ends inside a character.' })
  readonly text: string;

  @Field(() => String, {
    description: 'The whole answer up to and including `text`, for clients that replace rather than append.',
  })
  readonly textSoFar: string;

  readonly rendered = new Map<object, string>();

  constructor(offset: number, text: string, textSoFar: string) {
    this.offset = offset;
    this.text = text;
    this.textSoFar = textSoFar;
  }

  get end(): number {
    return this.textSoFar.length;
  }
}

@ObjectType({ description: 'A piece of what the model thinks before it answers.' })
export class ReasoningDelta implements Delta {
  readonly part = 'reasoning';

  @Field(() => Int, {
    description:
      "Position of `text` in the reasoning: the number of UTF-16 code units (JavaScript's string length) before it. Each subscription begins at 0.",
  })
  readonly offset: number;

  @Field(() => String, { description: 'The added reasoning. It never begins or ends inside a character.' })
  readonly text: string;

  readonly textSoFar: string;

  readonly rendered = new Map<object, string>();

  constructor(offset: number, text: string, textSoFar: string) {
    this.offset = offset;
    this.text = text;
    this.textSoFar = textSoFar;
  }

  get end(): number {
    return this.textSoFar.length;
  }
}

type DeltaType<D extends Delta> = new (offset: number, text: string, textSoFar: string) => D;

/** Returns the delta of `whole` beyond `offset`, up to `MAX_DELTA_LENGTH`, or null if there is none. */
export function createDelta<D extends Delta>(type: DeltaType<D>, whole: string, offset: number): D | null {
  if (offset >= whole.length) return null;
  const start = isInsideCharacter(whole, offset) ? offset - 1 : offset;
  let end = Math.min(start + MAX_DELTA_LENGTH, whole.length);
  if (isInsideCharacter(whole, end)) end -= 1;
  return new type(start, whole.slice(start, end), whole.slice(0, end));
}

/** A look-up as clients see it. */
export type ToolCallView = Pick<ToolCall, 'id' | 'name' | 'state' | 'arguments' | 'result' | 'offset'>;

@ObjectType({ description: 'The model looks something up, or has got the result. Replaces what was known of it.' })
export class ToolCallChanged {
  @Field(() => ToolCall, { description: 'The look-up as it is now.' })
  readonly toolCall: ToolCallView;

  constructor(toolCall: ToolCallView) {
    this.toolCall = toolCall;
  }

  get id(): string {
    return this.toolCall.id;
  }

  get state(): string {
    return this.toolCall.state;
  }
}

@ObjectType({ description: 'The answer shows a product. Replaces what was known of the mention.' })
export class ProductShown {
  @Field(() => ProductMention, { description: 'The product and its place in the text.' })
  readonly mention: MentionedProduct;

  /** It does not change. */
  readonly state = 'SHOWN';

  constructor(mention: MentionedProduct) {
    this.mention = mention;
  }

  get id(): string {
    return this.mention.id;
  }
}

/** An event with the whole state of something that has a place in the text. A later one with the same id replaces it. */
export type AnswerItem = ToolCallChanged | ProductShown;

@ObjectType({ description: 'The answer is finished, successfully or not. The subscription then completes.' })
export class AnswerFinished {
  @Field(() => Message, { description: 'The stored answer, with its final status, content, error and usage.' })
  readonly answer: MessageRow;

  constructor(answer: MessageRow) {
    this.answer = answer;
  }
}

/** What a follower receives: the events of the answer, or an error as its last event if the answer is deleted. */
export type FollowEvent = Delta | AnswerItem | AnswerFinished | NotFoundError;

const EVENT_TYPES = [AnswerDelta, ReasoningDelta, ToolCallChanged, ProductShown, AnswerFinished] as const;

export const AnswerEvent = createUnionType({
  name: 'AnswerEvent',
  description: 'An event of an answer: a piece of its text or of its reasoning, a look-up, a product, or its end.',
  types: () => EVENT_TYPES,
  resolveType: (event) => event.constructor as (typeof EVENT_TYPES)[number],
});

function isInsideCharacter(text: string, offset: number): boolean {
  const unit = text.charCodeAt(offset);
  const before = text.charCodeAt(offset - 1);
  return unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff;
}
