import { raw, type FilterQuery } from '@mikro-orm/core';
import { readSearchTerms } from './search-words.js';

/** What differs between the indexes. */
export interface SearchIndex {
  /** Selects the ids of the rows that contain a term. */
  select: string;
  /** Returns the values of the placeholders in `select`. */
  toValues: (term: string) => string[];
}

/** Builds a filter for the rows that contain each term of a text. A blank text matches every row. */
export function toTermFilter<T extends { id: string }>(
  text: string,
  { select, toValues }: SearchIndex,
): FilterQuery<T> {
  if (text.trim() === '') return {};
  const terms = readSearchTerms(text);
  if (terms.length === 0) return { id: [] } as FilterQuery<T>;
  const ids = terms.map(() => select).join(' intersect ');
  return { [raw((alias) => `${alias}.id in (${ids})`, terms.flatMap(toValues))]: [] } as FilterQuery<T>;
}
