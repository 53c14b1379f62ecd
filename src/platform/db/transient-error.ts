import { ConnectionException, LockWaitTimeoutException } from '@mikro-orm/core';

/** Returns whether the database was unreachable or too busy: the same query may succeed later. */
export const isTransient = (error: unknown): boolean =>
  error instanceof ConnectionException || error instanceof LockWaitTimeoutException;
