import { DefaultLogger, type LogContext, type LoggerOptions } from '@mikro-orm/core';
import type { Tracing } from '../telemetry/tracing.js';

/** Passes the queries of MikroORM to the traces: their command and their first table, without text or values. */
export const createQueryLogger = (tracing: Tracing, system: string) => (options: LoggerOptions) =>
  new QueryLogger(options, tracing, system);

class QueryLogger extends DefaultLogger {
  constructor(
    options: LoggerOptions,
    private readonly tracing: Tracing,
    private readonly system: string,
  ) {
    super(options);
  }

  override logQuery({ query, took = 0, level }: { query: string } & LogContext): void {
    const command = /^\s*(\w+)/.exec(query)?.[1]?.toLowerCase() ?? 'query';
    const table = /\b(?:from|into|update)\s+["`]?(\w+)/i.exec(query)?.[1];
    const attributes = { 'db.system.name': this.system, 'db.operation.name': command, 'db.collection.name': table };
    const name = table ? `${command} ${table}` : command;
    this.tracing.record(name, { attributes, durationMs: took, hasFailed: level === 'error' });
  }
}
