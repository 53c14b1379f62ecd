import { jest } from '@jest/globals';
import type { TestServer } from './server.js';

export interface Query {
  sql: string;
  params: unknown[];
}

/** The queries that the server sends to its database while `work` runs, but for the heartbeat's. */
export async function queriesOf(server: TestServer, work: () => Promise<unknown>): Promise<Query[]> {
  const logger = server.server.services.orm.config.getLogger();
  const queries: Query[] = [];
  logger.setDebugMode(['query']);
  const spy = jest.spyOn(logger, 'logQuery').mockImplementation((context) => {
    const { query, params } = context as { query: string; params?: readonly unknown[] };
    queries.push({ sql: query, params: [...(params ?? [])] });
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
    logger.setDebugMode(false);
  }
  // What the server does by itself, every two seconds, is none of theirs.
  return queries.filter(({ sql }) => !/^(begin|commit)|lease_expires_at/.test(sql));
}
