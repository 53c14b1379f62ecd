/** Groups that are remembered although they wait for nothing. */
const MAX_IDLE_GROUPS = 10_000;

interface Group {
  readonly waiting: (() => void)[];
  /** Its share of the time is in proportion to it. */
  readonly weight: number;
  /** The virtual time of its next turn: what it used is added, divided by its weight. */
  tag: number;
}

/**
 * Starts work one piece per turn of the event loop, so that requests are read in between. If groups compete, each gets the
 * share of the time that its weight says (start-time fair queueing): work of a group that uses little hardly waits for a
 * group that uses much. Work that finds the loop idle starts at once.
 *
 * Known limit: a piece that blocks, such as a long query of SQLite, is not divided.
 */
export class Turns {
  readonly #groups = new Map<string, Group>();
  /** The group that has the turn. */
  #current: Group | null = null;
  #startedAt = 0;
  #waitingPieces = 0;
  /** The tag of the last turn: a group that was idle has no advantage. */
  #virtualTime = 0;

  /** @param now the time in milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Resolves when the caller may start. Callers are limited by what they belong to, such as connections.
   * @param weight of the group, the same at each call
   */
  async take(key: string, weight = 1): Promise<void> {
    const group = this.#get(key, weight);
    if (this.#current) {
      this.#waitingPieces += 1;
      await new Promise<void>((resolve) => group.waiting.push(resolve));
    } else this.#begin(group);
  }

  #get(key: string, weight: number): Group {
    let group = this.#groups.get(key);
    if (!group) {
      group = { waiting: [], weight, tag: this.#virtualTime };
      this.#groups.set(key, group);
    }
    if (group.waiting.length === 0) group.tag = Math.max(group.tag, this.#virtualTime);
    return group;
  }

  #begin(group: Group): void {
    this.#current = group;
    this.#virtualTime = group.tag;
    this.#startedAt = this.now();
    setImmediate(() => this.#end(group));
  }

  /** What was started has used the event loop until now. */
  #end(group: Group): void {
    group.tag += (this.now() - this.#startedAt) / group.weight;
    this.#current = null;
    if (this.#waitingPieces === 0 || this.#groups.size > MAX_IDLE_GROUPS + this.#waitingPieces) this.#forgetIdle();
    const next = this.#findNext();
    if (!next) return;
    this.#waitingPieces -= 1;
    this.#begin(next);
    next.waiting.shift()!();
  }

  #findNext(): Group | null {
    let next: Group | null = null;
    if (this.#waitingPieces === 0) return next;
    for (const group of this.#groups.values())
      if (group.waiting.length > 0 && (!next || group.tag < next.tag)) next = group;
    return next;
  }

  #forgetIdle(): void {
    for (const [key, { waiting }] of this.#groups) if (waiting.length === 0) this.#groups.delete(key);
  }
}
