/** What no database can hold, NUL and halves of surrogate pairs, becomes U+FFFD, as in whatever else reads broken text. */
export const storable = (text: string): string =>
  (text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text).toWellFormed();
