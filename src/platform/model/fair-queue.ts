/** Items of several users. They are taken in turns: a user with many items does not delay those of the others. */
export class FairQueue<T> {
  /** Each user's items; the user whose turn is next comes first. */
  readonly #itemsByUser = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(userId: string, item: T): void {
    const items = this.#itemsByUser.get(userId);
    if (items) items.push(item);
    else this.#itemsByUser.set(userId, [item]);
    this.#size += 1;
  }

  /** Takes the oldest item of the user whose turn it is; undefined if there is none. */
  take(): T | undefined {
    for (const [userId, items] of this.#itemsByUser) {
      const item = items.shift();
      this.#itemsByUser.delete(userId);
      if (items.length > 0) this.#itemsByUser.set(userId, items);
      this.#size -= 1;
      return item;
    }
    return undefined;
  }

  remove(userId: string, item: T): void {
    const items = this.#itemsByUser.get(userId) ?? [];
    const index = items.indexOf(item);
    if (index === -1) return;
    items.splice(index, 1);
    this.#size -= 1;
    if (items.length === 0) this.#itemsByUser.delete(userId);
  }
}
