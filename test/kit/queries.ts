import { jest } from '@jest/globals';
import type { TestServer } from './server.js';

export interface Query {
  sql: string;
  params: unknown[];
}

/** The queries that the server sends to its database while `work` runs, but for the heartbeat's. */
export async function queriesOf(server: TestServer, work: () => Promise<unknown>): Promise<Query[]> {
  const loggers = server.instances.map(({ services }) => services.orm.config.getLogger());
  const queries: Query[] = [];
  const spies = loggers.map((logger) => {
    logger.setDebugMode(['query']);
    return jest.spyOn(logger, 'logQuery').mockImplementation((context) => {
      const { query, params } = context as { query: string; params?: readonly unknown[] };
      queries.push({ sql: query, params: [...(params ?? [])] });
    });
  });
  try {
    await work();
  } finally {
    for (const spy of spies) spy.mockRestore();
    for (const logger of loggers) logger.setDebugMode(false);
  }
  // What the server does by itself, every two seconds, is none of theirs.
  return queries.filter(({ sql }) => !/^(begin|commit)|lease_expires_at/.test(sql));
}
