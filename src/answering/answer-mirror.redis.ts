import type { RedisConnection } from '../platform/redis/connection.redis.js';
import { ProductShown, ToolCallChanged, type AnswerItem, type AnswerPart } from './answer-event.types.js';
import { locateAnswer, type AnswerLocation, type AnswerStep, type ItemState } from './answer-step.redis.js';
import { LiveAnswer } from './live-answer.js';

type MirrorState =
  /** Steps are applied as they arrive. `isSilent`: no step has arrived since the last check. */
  | { kind: 'listening'; isSilent: boolean }
  /** The texts are being read from their keys. `isOutdated`: a step has revealed more text meanwhile, so read again. */
  | { kind: 'reading'; isOutdated: boolean; done: Promise<void> };

/**
 * Mirrors an answer that another instance generates. It subscribes to the answer's channel first, then reads the keys,
 * and joins both by offset: an overlap is harmless, and a gap makes it read the keys again.
 */
export class AnswerMirror implements AsyncDisposable {
  readonly live: LiveAnswer;
  followers = 0;
  readonly #keys: AnswerLocation['keys'];
  readonly #subscription: Promise<AsyncDisposable>;
  /** The lengths of the texts in bytes, as Redis counts. */
  readonly #lengths: Record<AnswerPart, number> = { text: 0, reasoning: 0 };
  #state: MirrorState = { kind: 'listening', isSilent: false };

  constructor(
    id: string,
    private readonly redis: RedisConnection,
    /** Called when a step tells that the answer is finished. */
    private readonly onFinished: () => Promise<void>,
  ) {
    this.live = new LiveAnswer(id);
    const { keys, channel } = locateAnswer(redis, id);
    this.#keys = keys;
    this.#subscription = redis.channels.listen(channel, (text) => this.#apply(JSON.parse(text) as AnswerStep));
    void this.#subscription.then(() => this.#read());
  }

  /** Reads the text again if no step has arrived since the previous check: a message may have been lost. */
  check(): void {
    if (this.#state.kind === 'reading') return;
    if (this.#state.isSilent) void this.#read();
    else this.#state.isSilent = true;
  }

  #apply(step: AnswerStep): void {
    if (this.#state.kind === 'listening') this.#state.isSilent = false;
    if ('finished' in step) void this.#read().then(this.onFinished);
    else if ('reasoning' in step) this.#join('reasoning', step.reasoning);
    else if ('item' in step) this.#setItem(step.item);
    else this.#join('text', step);
  }

  #join(part: AnswerPart, { offset, text }: { offset: number; text: string }): void {
    const { length } = this.live[part];
    if (offset > length) return void this.#read();
    const added = text.slice(length - offset);
    if (added === '') return;
    if (part === 'text') this.live.append(added);
    else this.live.appendReasoning(added);
    this.#lengths[part] += Buffer.byteLength(added);
  }

  #setItem(state: ItemState): void {
    this.live.setItem(toItem(state), state.revision);
  }

  /** Resolves when everything that Redis holds by now has been read. */
  #read(): Promise<void> {
    if (this.#state.kind === 'reading') {
      this.#state.isOutdated = true;
      return this.#state.done;
    }
    const done = this.#readMissing().finally(() => (this.#state = { kind: 'listening', isSilent: true }));
    this.#state = { kind: 'reading', isOutdated: false, done };
    return done;
  }

  async #readMissing(): Promise<void> {
    await Promise.all([this.#readPart('reasoning'), this.#readPart('text'), this.#readItems()]);
    if (this.#state.kind !== 'reading' || !this.#state.isOutdated) return;
    this.#state.isOutdated = false;
    await this.#readMissing();
  }

  async #readPart(part: AnswerPart): Promise<void> {
    const offset = this.live[part].length;
    const text = await this.redis.client.getrange(this.#keys[part], this.#lengths[part], -1).catch(() => '');
    this.#join(part, { offset, text });
  }

  async #readItems(): Promise<void> {
    const items = await this.redis.client.hvals(this.#keys.items).catch(() => []);
    for (const item of items) this.#setItem(JSON.parse(item) as ItemState);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#subscription)[Symbol.asyncDispose]();
  }
}

const toItem = (state: ItemState): AnswerItem =>
  'toolCall' in state
    ? new ToolCallChanged(state.toolCall)
    : new ProductShown({ ...state.mention, checkedAt: new Date(state.mention.checkedAt) });
