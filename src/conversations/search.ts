import { raw, type FilterQuery } from '@mikro-orm/core';
import type { Conversation } from './conversation.entity.js';

/** More words than these are not looked at. */
const MOST_WORDS = 8;

/**
 * Which of the owner's conversations hold all the words in their title or messages, whole or by their beginnings.
 * All of them where nothing is asked for. The index is kept by triggers: see the migration that makes it.
 */
export function matching(ownerId: string, text: string): FilterQuery<Conversation> {
  if (text.trim() === '') return {};
  const words = (text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).slice(0, MOST_WORDS);
  if (words.length === 0) return { id: [] };
  const found = words.map(
    () => 'select conversation_id from search_entries where id in (select rowid from search where search match ?)',
  );
  // Each word is quoted, and holds nothing but letters and digits: no text is an operator of the query language.
  const terms = words.map((word) => `owner : "${ownerKey(ownerId)}" AND body : "${word}" *`);
  return { [raw((alias) => `${alias}.id in (${found.join(' intersect ')})`, terms)]: [] };
}

/** How the index writes an owner's id: as one word. */
const ownerKey = (ownerId: string): string => ownerId.replaceAll('-', '');
