/** Whether every database can store a text: PostgreSQL refuses NUL, and UTF-8 cannot encode unpaired surrogates. */
export const isStorableText = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** Replaces what no database can store, NUL characters and unpaired surrogates, with U+FFFD. */
export const toStorableText = (text: string): string =>
  (text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text).toWellFormed();
