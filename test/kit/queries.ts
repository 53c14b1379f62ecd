import { jest } from '@jest/globals';
import type { TestServer } from './server.js';

export interface Query {
  sql: string;
  params: unknown[];
}

/** The queries that the server sends to its database while `work` runs, but for those of what it does by itself. */
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
  // The heartbeat's come every two seconds, and each minute one that asks which sessions are still alive.
  const isOwn = /^(begin|commit)|lease_expires_at/;
  const asksForSessions =
    /^select .s0.\..id. from .sessions. as .s0. where .s0.\..id. in \([^)]*\) and .s0.\..ended_at. is null$/;
  return queries.filter(({ sql }) => !isOwn.test(sql) && !asksForSessions.test(sql));
}
