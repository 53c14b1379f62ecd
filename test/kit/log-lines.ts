import type { TestServer } from './server.js';

export interface LogLine {
  level: number;
  time: number;
  msg: string;
  event?: string;
  [field: string]: unknown;
}

/** Returns the lines of the log that have these fields, oldest first. */
export function findLines({ logged }: Pick<TestServer, 'logged'>, fields: Record<string, unknown>): LogLine[] {
  return logged
    .map((line) => JSON.parse(line) as LogLine)
    .filter((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
}
