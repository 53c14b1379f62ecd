import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { RenderableEvent, Specimen } from '../../platform/graphql/renderable-event.js';

const MAX_TEMPLATES = 1_000;
const MAX_TEMPLATE_CHARACTERS = 5_000_000;

/**
 * The JSON of an operation's result for a renderable event, with placeholders for the event's leaves. It is created
 * from the result that graphql-js returns for a specimen, whose leaf values no real event has. It therefore respects
 * aliases, fragments, directives and variables, and a rendered result has the same bytes as an executed one.
 */
export class ResultTemplate<E extends RenderableEvent = RenderableEvent> {
  /** Equal templates are the same object, so that subscriptions with the same selection share rendered results. */
  static readonly #templates = new LRUCache<string, ResultTemplate<never>>({
    max: MAX_TEMPLATES,
    maxSize: MAX_TEMPLATE_CHARACTERS,
    // The key, and the texts between the leaves.
    sizeCalculation: (_template, json) => 2 * json.length,
  });

  private constructor(
    /** The text before each leaf and after the last one: one more than there are leaves. */
    private readonly texts: readonly string[],
    private readonly leaves: readonly (keyof E)[],
  ) {}

  /** Returns null when the result of the specimen has errors; such events must be executed. */
  static async create<E extends RenderableEvent>(
    { event, leaves }: Specimen<E>,
    execute: (event: E) => ExecutionResult | Promise<ExecutionResult>,
  ): Promise<ResultTemplate<E> | null> {
    const result = await execute(event);
    if (result.errors || !result.data) return null;
    const json = JSON.stringify(result);
    let template = ResultTemplate.#templates.get(json) as ResultTemplate<E> | undefined;
    if (!template) {
      const leavesByValue = new Map(leaves.map((leaf) => [JSON.stringify(event[leaf]), leaf]));
      // A value follows a colon and ends its member, so names that the client chose cannot match.
      const parts = json.split(new RegExp(`(?<=:)(${[...leavesByValue.keys()].join('|')})(?=[,}])`));
      const [texts, values] = [0, 1].map((parity) => parts.filter((_, index) => index % 2 === parity));
      template = new ResultTemplate<E>(
        texts!,
        values!.map((value) => leavesByValue.get(value)!),
      );
      ResultTemplate.#templates.set(json, template);
    }
    return template;
  }

  /** Returns the event's result as JSON. */
  render(event: E): string {
    let text = event.rendered.get(this);
    if (text === undefined) {
      text = this.texts[0]!;
      for (let i = 0; i < this.leaves.length; i += 1)
        text += JSON.stringify(event[this.leaves[i]!]) + this.texts[i + 1]!;
      event.rendered.set(this, text);
    }
    return text;
  }
}
