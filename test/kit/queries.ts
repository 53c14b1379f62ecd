import { jest } from '@jest/globals';
import type { TestServer } from './server.js';

export interface Query {
  sql: string;
  params: unknown[];
}

/** The queries that the server sends to its database while `work` runs. */
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
  return queries;
}
