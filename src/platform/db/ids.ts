import { v7, validate } from 'uuid';

/** Creates a UUIDv7 (RFC 9562). Ids created one after the other are adjacent in an index. */
export const newId = (): string => v7();

/**
 * Returns whether the text has the form of an id. Only such a text may reach a query, since PostgreSQL rejects others.
 * It must be lower-case: SQLite compares ids as text, but PostgreSQL ignores their case.
 */
export const isId = (text: string): boolean => validate(text) && text === text.toLowerCase();
