import { z } from 'zod';
import { cutText } from '../text/graphemes.js';

/**
 * Schemas for structured results that are nearly right: what has a meaning is repaired, anything else is rejected. The
 * JSON schema that a provider receives is the strict one inside.
 */

/** A list of texts: empty items are dropped, long ones are cut, and of too many the first, oldest ones are dropped. */
export function lenientList({ maxItems, maxLength }: { maxItems: number; maxLength: number }) {
  const repair = (value: unknown) =>
    toArray(value)
      .map((item) => cutText(toText(item), maxLength))
      .filter((item) => item !== '')
      .slice(-maxItems);
  return z.preprocess(repair, z.array(z.string().min(1).max(maxLength)).max(maxItems));
}

/** A value of an enum, in upper or lower case. */
export function lenientEnum<T extends Record<string, string>>(values: T) {
  const repair = (value: unknown) =>
    typeof value === 'string'
      ? value
          .trim()
          .toUpperCase()
          .replaceAll(/[\s-]+/g, '_')
      : value;
  return z.preprocess(repair, z.enum(values));
}

/** A text that may be missing: a long one is cut. */
export function lenientNullableText(maxLength: number) {
  const repair = (value: unknown) => cutText(toText(value), maxLength) || null;
  return z.preprocess(repair, z.string().max(maxLength).nullable());
}

const toArray = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];

const toText = (value: unknown): string =>
  typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
