/** The names of the tags that models enclose their reasoning in. */
const TAGS = ['think', 'thinking', 'thought', 'reasoning'];
const OPENING = new RegExp(`^\\s*<(${TAGS.join('|')})>`, 'i');

/** Text that begins with more whitespace than this, in UTF-16 code units, is not checked for a tag. */
const MAX_LEADING_WHITESPACE = 1_000;

type SplitterState =
  /** Nothing but whitespace and what may become an opening tag has arrived; `held` is passed on later. */
  | { kind: 'beginning'; held: string }
  /** Inside tags; `held` may be the beginning of `closing`. */
  | { kind: 'reasoning'; closing: string; held: string; isAtStart: boolean }
  | { kind: 'text' };

/**
 * Separates reasoning at the beginning of a text, as in `<think>…</think>`, from the text itself. The pieces may be cut
 * anywhere, also inside a tag: only what may belong to a tag is held back. Whitespace around the tags is dropped, and so
 * is a text that consists of whitespace only. A tag further inside the text is text.
 */
export class ReasoningSplitter {
  #state: SplitterState = { kind: 'beginning', held: '' };
  #hasReasoning = false;

  constructor(private readonly output: { onText: (text: string) => void; onReasoning: (reasoning: string) => void }) {}

  add(piece: string): void {
    if (this.#state.kind === 'text') this.output.onText(piece);
    else this.#split(piece);
  }

  /** Passes on reasoning that the provider has separated itself. */
  addReasoning(piece: string): void {
    this.#hasReasoning = true;
    this.output.onReasoning(piece);
  }

  /** Passes on what is held back. Call when no more pieces follow. */
  end(): void {
    const state = this.#state;
    this.#state = { kind: 'text' };
    if (state.kind === 'text' || state.held.trim() === '') return;
    if (state.kind === 'reasoning') this.addReasoning(state.held);
    else this.output.onText(this.#hasReasoning ? state.held.trimStart() : state.held);
  }

  #split(piece: string): void {
    let rest = piece;
    while (rest !== '' && this.#state.kind !== 'text') {
      rest =
        this.#state.kind === 'beginning'
          ? this.#splitBeginning(this.#state.held + rest)
          : this.#splitReasoning(this.#state, this.#state.held + rest);
    }
    if (rest !== '') this.output.onText(rest);
  }

  /** Returns what is left to split. */
  #splitBeginning(given: string): string {
    const text = this.#hasReasoning ? given.trimStart() : given;
    const isChecked = text.length - text.trimStart().length <= MAX_LEADING_WHITESPACE;
    const [opening, name] = (isChecked && OPENING.exec(text)) || [];
    if (opening !== undefined) {
      this.#state = { kind: 'reasoning', closing: `</${name!.toLowerCase()}>`, held: '', isAtStart: true };
      return text.slice(opening.length);
    }
    if (isChecked && isBeginningOfTag(text.trimStart())) {
      this.#state = { kind: 'beginning', held: text };
      return '';
    }
    this.#state = { kind: 'text' };
    return text;
  }

  /** Returns what is left to split. */
  #splitReasoning({ closing, isAtStart }: { closing: string; isAtStart: boolean }, given: string): string {
    const text = isAtStart ? given.trimStart() : given;
    const end = text.search(new RegExp(closing, 'i'));
    const held = end === -1 ? findBeginningOf(closing, text) : '';
    const reasoning = text.slice(0, end === -1 ? text.length - held.length : end);
    if (reasoning !== '') this.addReasoning(reasoning);
    this.#hasReasoning = true;
    if (end === -1) {
      this.#state = { kind: 'reasoning', closing, held, isAtStart: isAtStart && reasoning === '' };
      return '';
    }
    this.#state = { kind: 'beginning', held: '' };
    return text.slice(end + closing.length);
  }
}

const isBeginningOfTag = (text: string): boolean =>
  text === '' || TAGS.some((tag) => `<${tag}>`.startsWith(text.toLowerCase()));

/** Returns the end of `text` that is the beginning of `tag`. */
function findBeginningOf(tag: string, text: string): string {
  const from = text.lastIndexOf('<');
  const end = from === -1 ? '' : text.slice(from);
  return end.length < tag.length && tag.startsWith(end.toLowerCase()) ? end : '';
}
