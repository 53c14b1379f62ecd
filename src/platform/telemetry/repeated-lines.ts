/** How many lines of a kind are written in a window. */
const MAX_LINES = 20;
const WINDOW_MS = 10_000;
/** Beyond it the oldest kind is forgotten: texts may contain what an attacker chooses. */
const MAX_KINDS = 1_000;

interface Window {
  beganAt: number;
  lines: number;
}

/** Limits the lines of one kind, so that an attack or an outage does not fill the disk with the same line. */
export class RepeatedLines {
  readonly #windows = new Map<string, Window>();

  /** @param now the time in milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Counts a line.
   * @param kind for example its text
   * @returns the number of lines of this kind that were omitted since the last one, or null if this one is to be omitted
   */
  admit(kind: string): number | null {
    const now = this.now();
    const window = this.#windows.get(kind);
    if (window && now - window.beganAt < WINDOW_MS) {
      window.lines++;
      return window.lines <= MAX_LINES ? 0 : null;
    }
    this.#windows.delete(kind);
    this.#windows.set(kind, { beganAt: now, lines: 1 });
    if (this.#windows.size > MAX_KINDS) this.#windows.delete(this.#windows.keys().next().value!);
    return window ? Math.max(0, window.lines - MAX_LINES) : 0;
  }
}
