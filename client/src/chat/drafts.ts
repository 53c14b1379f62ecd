import type { KeyValueStorage } from '../environment.js';

/** A question that has not been delivered yet. */
export interface UnsentQuestion {
  requestId: string;
  question: string;
}

/** What the user has written in a conversation. */
export interface Draft {
  text: string;
  unsent: readonly UnsentQuestion[];
}

/** The oldest drafts are forgotten beyond this number. */
const MAX_DRAFTS = 50;
const NEW = 'new';
const EMPTY: Draft = { text: '', unsent: [] };

/** Drafts by conversation. They survive a reload, and are deleted when the user signs out. */
export class Drafts {
  constructor(
    private readonly storage: KeyValueStorage,
    private readonly key: string,
  ) {}

  /** @param conversationId null: of a new conversation */
  read(conversationId: string | null): Draft {
    return this.#readAll()[conversationId ?? NEW] ?? EMPTY;
  }

  write(conversationId: string | null, draft: Draft): void {
    const { [conversationId ?? NEW]: _before, ...others } = this.#readAll();
    const isEmpty = draft.text === '' && draft.unsent.length === 0;
    const drafts = Object.entries({ ...others, ...(isEmpty ? {} : { [conversationId ?? NEW]: draft }) });
    try {
      if (drafts.length === 0) this.storage.removeItem(this.key);
      else this.storage.setItem(this.key, JSON.stringify(Object.fromEntries(drafts.slice(-MAX_DRAFTS))));
    } catch {
      // The storage is full. The draft is kept until the page is closed.
    }
  }

  clear(): void {
    this.storage.removeItem(this.key);
  }

  #readAll(): Record<string, Draft> {
    try {
      return (JSON.parse(this.storage.getItem(this.key) ?? '{}') as Record<string, Draft> | null) ?? {};
    } catch {
      return {};
    }
  }
}
