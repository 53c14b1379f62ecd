import type { FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '../platform/db/orm.js';
import { toTermFilter, type SearchIndex } from '../platform/db/search-filter.js';
import { toFtsPhrase } from '../platform/db/search-words.js';
import { sql } from '../platform/db/sql.js';
import type { Conversation } from './conversation.entity.js';

/**
 * Builds a filter for the owner's conversations that contain each term, or a word beginning with it, in the title or in
 * a message. An empty text matches every conversation. Triggers maintain the index (see the *_search migrations).
 */
export const toSearchFilter = (em: EntityManager, ownerId: string, text: string): FilterQuery<Conversation> =>
  toTermFilter(
    text,
    sql<SearchIndex>(em, {
      sqlite: {
        select:
          'select conversation_id from search_entries where id in (select rowid from search where search match ?)',
        toValues: (term) => [toSqliteQuery(ownerId, term)],
      },
      postgresql: {
        select: 'select conversation_id from search_entries where words @@ search_query(?, ?)',
        toValues: (term) => [ownerId, term],
      },
    }),
  );

const toSqliteQuery = (ownerId: string, term: string): string =>
  `owner : "${ownerId.replaceAll('-', '')}" AND body : ${toFtsPhrase(term)}`;
