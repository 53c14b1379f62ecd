import { ConnectionException, LockWaitTimeoutException, type DriverException } from '@mikro-orm/core';

/**
 * SQLSTATE codes (PostgreSQL, appendix A) of transient errors: connection exceptions (08), insufficient resources (53),
 * operator intervention and cancelled statements (57), a server that became read-only in a failover (25006), and
 * transactions that were idle (25P03) or open (25P04) for too long.
 */
const TRANSIENT = /^(08...|53...|57...|25006|25P03|25P04)$/;

/** Conflicting transactions, and locks that were not granted in time. */
const CONFLICT = /^(40001|40P01|55P03)$/;

/** Codes of the operating system and of TLS: ECONNREFUSED, ENOTFOUND, EAI_AGAIN, ERR_SSL_… */
const NETWORK = /^(E[A-Z_]+|ERR_(SSL|TLS)_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN)$/;

/** `pg`, its pool, and Kysely during a shutdown throw errors without a code. */
const MESSAGES_WITHOUT_CODE =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|driver has already been destroyed|The server does not support SSL)/;

type DriverError = Error & { code?: string };

/** Returns whether the database is unreachable. */
export const isConnectionError = ({ code, message }: DriverError): boolean =>
  code === undefined ? MESSAGES_WITHOUT_CODE.test(message) : TRANSIENT.test(code) || NETWORK.test(code);

/** Converts a transient error to one that clients get as UNAVAILABLE. Returns null for any other error. */
export function toTransientError(error: DriverError): DriverException | null {
  if (isConnectionError(error)) return new ConnectionException(error);
  return CONFLICT.test(error.code ?? '') ? new LockWaitTimeoutException(error) : null;
}
