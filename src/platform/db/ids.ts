import { v7, validate } from 'uuid';

/** A new id: a UUIDv7 (RFC 9562), so that keys made one after another lie side by side in an index. */
export const newId = (): string => v7();

/**
 * Whether the text can be an id at all; what can't is never shown to the database. In lower case, as they are made:
 * SQLite compares them as text, and PostgreSQL without regard to case.
 */
export const isId = (text: string): boolean => validate(text) && text === text.toLowerCase();
