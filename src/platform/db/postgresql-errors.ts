import { ConnectionException, LockWaitTimeoutException, type DriverException } from '@mikro-orm/core';

/**
 * SQLSTATE (PostgreSQL's appendix A) of what passes by itself, so that a client may just try again: connection
 * exceptions (08), insufficient resources (53), operator intervention and cancelled statements (57), a server that has
 * become read-only in a failover (25006), and the end of a transaction that idled (25P03) or lasted too long (25P04).
 */
const PASSING = /^(08...|53...|57...|25006|25P03|25P04)$/;

/** Conflicts of transactions, and locks that were not granted in time. */
const CONFLICT = /^(40001|40P01|55P03)$/;

/** What the operating system and TLS say: ECONNREFUSED, ENOTFOUND, EAI_AGAIN, ERR_SSL_… */
const NETWORK = /^(E[A-Z_]+|ERR_(SSL|TLS)_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN)$/;

/** `pg` and its pool, and Kysely in a shutdown, throw plain errors without a code. */
const WITHOUT_CODE =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|driver has already been destroyed|The server does not support SSL)/;

type DriverError = Error & { code?: string };

/** Whether the database is out of reach, for now. */
export const isConnectionError = ({ code, message }: DriverError): boolean =>
  code === undefined ? WITHOUT_CODE.test(message) : PASSING.test(code) || NETWORK.test(code);

/** The error as one that is shown as UNAVAILABLE, if it is of those that pass by themselves. */
export function passingError(error: DriverError): DriverException | null {
  if (isConnectionError(error)) return new ConnectionException(error);
  return CONFLICT.test(error.code ?? '') ? new LockWaitTimeoutException(error) : null;
}
