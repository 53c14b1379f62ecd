import { serverAudits } from 'graphql-http';
import { readFile } from 'node:fs/promises';
import { TestServer } from '../kit/server.js';

/** The record of each SHOULD that is not met, by the id of its audit. */
const RECORD = 'docs/decisions/0029-graphql-over-http-deviations.md';

let server: TestServer;
beforeAll(async () => void (server = await TestServer.start()));
afterAll(() => server[Symbol.asyncDispose]());

test('the server passes the audits of GraphQL over HTTP, except the recommendations in the decision record', async () => {
  const audits = serverAudits({ url: () => `${server.server.url}/graphql` });
  expect(audits.length).toBeGreaterThan(50);
  const missed: string[] = [];
  for (const audit of audits) {
    const result = await audit.fn();
    if (result.status === 'ok' || result.status === 'notice') continue;
    expect(result).not.toMatchObject({ status: 'error' });
    missed.push(result.id);
  }
  const record = await readFile(RECORD, 'utf8');
  const recorded = [...record.matchAll(/^\| ([0-9A-F]{4}) /gm)].map(([, id]) => id);
  expect(missed.sort()).toEqual(recorded.sort());
});
