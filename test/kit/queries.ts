import { jest } from '@jest/globals';
import type { TestServer } from './server.js';

export interface Query {
  sql: string;
  params: unknown[];
}

/** Returns the queries that the server sends while `work` runs, except those of its periodic tasks. */
export async function captureQueries(server: TestServer, work: () => Promise<unknown>): Promise<Query[]> {
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
  // The heartbeat runs every two seconds, and the check for ended sessions every minute.
  const isPeriodic = /^(begin|commit)|lease_expires_at/;
  const isSessionCheck =
    /^select .s0.\..id. from .sessions. as .s0. where .s0.\..id. in \([^)]*\) and .s0.\..ended_at. is null$/;
  return queries.filter(({ sql }) => !isPeriodic.test(sql) && !isSessionCheck.test(sql));
}
