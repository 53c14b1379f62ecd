import { ConnectionException, LockWaitTimeoutException } from '@mikro-orm/core';

/** Whether the database is out of reach, or too busy, for now: nothing is wrong with what was asked. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ConnectionException || error instanceof LockWaitTimeoutException;
