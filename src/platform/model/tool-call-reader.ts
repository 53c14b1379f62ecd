import { randomBytes } from 'node:crypto';
import { isRecord } from '../json/is-record.js';
import type { ToolRequest } from './chat-model.js';

/** More calls of one completion than this are dropped. */
const MAX_CALLS = 32;
const MAX_NAME_LENGTH = 128;
const MAX_ID_LENGTH = 256;

/** A call of which pieces have arrived. */
interface PartialCall {
  /** The provider's number of the call; null if it sends none. */
  index: number | null;
  id: string;
  name: string;
  arguments: string;
  extraContent?: unknown;
}

/** A piece of a call, as far as it is usable. */
type Piece = PartialCall;

/**
 * Puts together the calls of tools in the deltas of one completion. Providers differ in what they repeat, leave out and
 * number:
 *
 * - A new `index` or a new `id` begins a call. Some number all calls 0, and some send neither.
 * - Without a new one, a name begins a call if the arguments of the call before are complete; otherwise it is repeated,
 *   or a further piece of the name.
 * - The calls in one list are different ones.
 * - `arguments` is text in pieces, or an object. No text is an empty object.
 */
export class ToolCallReader {
  readonly #calls: PartialCall[] = [];

  /**
   * Adds what a delta contains: `tool_calls`, and `function_call`, its predecessor.
   * @returns the output that was added, for the limits; empty if there is none
   */
  add(toolCalls: unknown, functionCall: unknown): string {
    const pieces = [...toArray(toolCalls).map(toPiece), toPiece(functionCall)].filter((piece) => piece !== null);
    return pieces.map((piece, position) => this.#addPiece(piece, position > 0)).join('');
  }

  /** Returns the calls that have a name, each with an id of its own. */
  complete(): ToolRequest[] {
    const ids = new Set<string>();
    return this.#calls
      .filter(({ name }) => name !== '')
      .map(({ id: given, name, arguments: text, extraContent }) => {
        const id = given === '' || ids.has(given) ? createId() : given;
        ids.add(id);
        const request = { id, name, arguments: text.trim() === '' ? '{}' : text };
        return extraContent === undefined ? request : { ...request, extraContent };
      });
  }

  #addPiece(piece: Piece, hasSibling: boolean): string {
    const call = this.#find(piece, hasSibling);
    if (!call) {
      if (this.#calls.length < MAX_CALLS) this.#calls.push(piece);
      return piece.name + piece.arguments;
    }
    call.id ||= piece.id;
    call.extraContent ??= piece.extraContent;
    if (piece.name !== call.name && call.arguments === '')
      call.name = (call.name + piece.name).slice(0, MAX_NAME_LENGTH);
    call.arguments += piece.arguments;
    return piece.name + piece.arguments;
  }

  /** Returns the call that a piece belongs to; undefined if it begins one. */
  #find({ index, id, name }: Piece, hasSibling: boolean): PartialCall | undefined {
    if (id !== '') {
      const known = this.#calls.findLast((call) => call.id === id);
      if (known) return known;
    }
    const call = index === null ? this.#calls.at(-1) : this.#calls.findLast((each) => each.index === index);
    if (!call) return undefined;
    if (name === '') return call;
    const isOther = (id !== '' && call.id !== '') || (index === null && hasSibling) || isComplete(call.arguments);
    return isOther ? undefined : call;
  }
}

const toArray = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

function toPiece(value: unknown): Piece | null {
  if (!isRecord(value)) return null;
  // Some servers leave out the object `function`.
  const called = isRecord(value['function']) ? value['function'] : value;
  const { index, id, extra_content: extraContent } = value;
  return {
    index: typeof index === 'number' ? index : null,
    id: toText(id).slice(0, MAX_ID_LENGTH),
    name: toText(called['name']).slice(0, MAX_NAME_LENGTH),
    arguments: toArguments(called['arguments']),
    ...(extraContent == null ? {} : { extraContent }),
  };
}

const toText = (value: unknown): string => (typeof value === 'string' ? value : '');

const toArguments = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : toText(value);

function isComplete(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

/** Mistral requires ids of nine letters and digits. */
const createId = (): string => randomBytes(8).toString('base64url').replaceAll(/[-_]/g, '0').slice(0, 9);
