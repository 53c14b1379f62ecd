import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { PlainEvent, RelaySource } from './plain-events.js';

/**
 * What an operation answers to a plain event, as JSON with gaps for the event's leaves. It is made of what graphql-js
 * itself answers to a specimen, whose leaves no real event has, so aliases, fragments, directives and their variables
 * are all in it: a rendered result has the very bytes of an executed one.
 */
export class ResultTemplate<E extends PlainEvent = PlainEvent> {
  /** Equal templates are one, so that all who select the same share what was rendered. */
  static readonly #known = new LRUCache<string, ResultTemplate<never>>({ max: 1_000 });

  private constructor(
    /** The text before each leaf, and after the last one: one more than there are leaves. */
    private readonly texts: readonly string[],
    private readonly leaves: readonly (keyof E)[],
  ) {}

  /** Null where the specimen's result holds errors: such events have to be executed. */
  static async of<E extends PlainEvent>(
    { event, leaves }: RelaySource<E>['specimen'],
    execute: (event: E) => ExecutionResult | Promise<ExecutionResult>,
  ): Promise<ResultTemplate<E> | null> {
    const result = await execute(event);
    if (result.errors || !result.data) return null;
    const json = JSON.stringify(result);
    let template = ResultTemplate.#known.get(json) as ResultTemplate<E> | undefined;
    if (!template) {
      const byValue = new Map(leaves.map((leaf) => [JSON.stringify(event[leaf]), leaf]));
      // A value follows a colon and ends its member, so nothing that a client named can be taken for one.
      const parts = json.split(new RegExp(`(?<=:)(${[...byValue.keys()].join('|')})(?=[,}])`));
      const [texts, values] = [0, 1].map((parity) => parts.filter((_, index) => index % 2 === parity));
      template = new ResultTemplate<E>(
        texts!,
        values!.map((value) => byValue.get(value)!),
      );
      ResultTemplate.#known.set(json, template);
    }
    return template;
  }

  /** The event's result, as JSON. */
  render(event: E): string {
    let text = event.rendered.get(this as never);
    if (text === undefined) {
      text = this.texts[0]!;
      for (let i = 0; i < this.leaves.length; i += 1)
        text += JSON.stringify(event[this.leaves[i]!]) + this.texts[i + 1]!;
      event.rendered.set(this as never, text);
    }
    return text;
  }
}
