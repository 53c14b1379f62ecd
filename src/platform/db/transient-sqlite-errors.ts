import { ConnectionException, LockWaitTimeoutException, type DriverException } from '@mikro-orm/core';

/** Another process holds a lock. */
const BUSY = /^SQLITE_(BUSY|LOCKED|PROTOCOL)/;

/** The disk is full, fails, is read-only or has disappeared. SQLite may have rolled back the transaction. */
const STORAGE = /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|NOMEM)/;

/** @see https://www.sqlite.org/rescode.html */
type SqliteError = Error & { code?: string };

export const isBusy = ({ code }: SqliteError): boolean => BUSY.test(code ?? '');

export const isStorageError = ({ code }: SqliteError): boolean => STORAGE.test(code ?? '');

/** Converts a transient error to one that clients get as UNAVAILABLE. Returns null for any other error. */
export function toTransientError(error: SqliteError): DriverException | null {
  if (isBusy(error)) return new LockWaitTimeoutException(error);
  return isStorageError(error) ? new ConnectionException(error) : null;
}
