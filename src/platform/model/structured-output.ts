import { z, type ZodType } from 'zod';
import type { StructuredMode } from './capabilities.js';
import type { PromptMessage, StructuredFormat } from './chat-model.js';

/** Strict structured outputs reject schemas with these keywords; the result is validated here. */
const UNSUPPORTED = ['minLength', 'maxLength', 'minItems', 'maxItems', '$schema'] as const;

/** There are few schemas, and converting one takes longer than the rest of a request. */
const jsonSchemas = new WeakMap<ZodType, Record<string, unknown>>();

/** Returns the JSON schema that a provider is asked to follow. */
export function toJsonSchema(schema: ZodType): Record<string, unknown> {
  const known = jsonSchemas.get(schema);
  if (known) return known;
  const made = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => UNSUPPORTED.forEach((keyword) => delete jsonSchema[keyword]),
  });
  jsonSchemas.set(schema, made);
  return made;
}

/** Returns the `response_format` that requests a structured result. */
export function toResponseFormat({ name, schema }: StructuredFormat<unknown>, mode: StructuredMode) {
  if (mode === 'text') return undefined;
  if (mode === 'json_object') return { type: mode };
  return { type: mode, json_schema: { name, strict: true, schema: toJsonSchema(schema) } };
}

/** Returns the prompt with the schema in its instructions, for providers that do not enforce it. */
export function describeSchema(
  prompt: readonly PromptMessage[],
  { schema }: StructuredFormat<unknown>,
): PromptMessage[] {
  const description = `Answer with one JSON object and nothing else. It must match this JSON schema:\n${JSON.stringify(toJsonSchema(schema))}`;
  const [first, ...rest] = prompt;
  return first?.role === 'system'
    ? [{ ...first, content: `${first.content}\n\n${description}` }, ...rest]
    : [{ role: 'system', content: description }, ...prompt];
}

/**
 * Returns the first JSON object in a text, parsed. Reasoning before it, code fences, sentences around it and a byte
 * order mark are ignored.
 * @throws SyntaxError if the text contains no JSON object
 */
export function parseFirstObject(text: string): unknown {
  const answer = text.slice(endOfReasoning(text));
  for (let from = answer.indexOf('{'); from !== -1; from = answer.indexOf('{', from + 1)) {
    const to = findObjectEnd(answer, from);
    if (to === -1) continue;
    try {
      return JSON.parse(answer.slice(from, to));
    } catch {
      // A brace in a sentence: the object may follow.
    }
  }
  throw new SyntaxError('The text contains no JSON object.');
}

/** Reasoning may contain drafts of the object. */
function endOfReasoning(text: string): number {
  const [end] = [...text.matchAll(/<\/(think|thinking|thought|reasoning)>/gi)].toReversed();
  return end ? end.index + end[0].length : 0;
}

/** Returns the position after the object that begins at `from`, or -1 if it does not end. */
function findObjectEnd(text: string, from: number): number {
  let depth = 0;
  let isString = false;
  for (let i = from; i < text.length; i += 1) {
    const character = text[i];
    if (isString) {
      if (character === '\\') i += 1;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === '{') depth += 1;
    else if (character === '}' && (depth -= 1) === 0) return i + 1;
  }
  return -1;
}
