import { raw, type FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/database.js';
import { sql } from '../platform/db/sql.js';
import type { Conversation } from './conversation.entity.js';

/** More words than these are not looked at, nor what follows so many UTF-16 code units. */
const MOST_WORDS = 8;
const LONGEST = 1_000;

/**
 * Which of the owner's conversations hold all the words in their title or messages, whole or by their beginnings.
 * All of them where nothing is asked for. The index is kept by triggers: see the migrations that make it.
 */
export function matching(em: EntityManager, ownerId: string, text: string): FilterQuery<Conversation> {
  if (text.trim() === '') return {};
  const words = (text.slice(0, LONGEST).match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).slice(0, MOST_WORDS);
  if (words.length === 0) return { id: [] };
  // Each word is quoted, and holds nothing but letters and digits: no text is an operator of the query language.
  const found = sql(em, {
    sqlite: `select conversation_id from search_entries where id in (select rowid from search
      where search match 'owner : "' || replace(?, '-', '') || '" AND body : "' || ? || '" *')`,
    postgresql: 'select conversation_id from search_entries where words @@ search_query(?, ?)',
  });
  const each = words.map(() => found).join(' intersect ');
  return {
    [raw(
      (alias) => `${alias}.id in (${each})`,
      words.flatMap((word) => [ownerId, word]),
    )]: [],
  };
}
