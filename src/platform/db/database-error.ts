/** The database cannot be used. The message is one line and says what to do. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly code = 'DATABASE_UNUSABLE';
}
