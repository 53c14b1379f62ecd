import { jest } from '@jest/globals';
import { ConversationsDocument, MeDocument } from '../../client/src/generated/graphql.js';
import { getSqliteClient } from '../../src/platform/db/sqlite.js';
import { TestServer } from '../kit/server.js';

const IN_MEMORY = { DATABASE_URL: 'sqlite::memory:' };

describe('statements on SQLite', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start(IN_MEMORY)));
  afterAll(() => server[Symbol.asyncDispose]());

  const orm = () => server.instances[0]!.services.orm;
  const execute = (sql: string, values: unknown[]) => orm().em.fork().execute<Record<string, unknown>[]>(sql, values);

  test('keep the type of each value', async () => {
    const values = ["it's a ? or \\? or ??", 7, -(2 ** 40), 1.5, 10n, new Date(1_700_000_000_123), true, false, null];
    const columns = values.map((_, i) => `? as v${i}, typeof(?) as t${i}`).join(', ');
    const [row] = await execute(
      `select ${columns}`,
      values.flatMap((value) => [value, value]),
    );
    const read = values.map((_, i) => [row![`t${i}`], row![`v${i}`]]);
    expect(read).toEqual([
      ['text', values[0]],
      ['integer', 7],
      ['integer', -(2 ** 40)],
      ['real', 1.5],
      ['integer', 10],
      ['integer', 1_700_000_000_123],
      ['integer', 1],
      ['integer', 0],
      ['null', null],
    ]);
  });

  test('take lists, quoted identifiers and escaped question marks', async () => {
    const sql = "select ?? as name, '\\?' as mark from (select 2 as id) where id in (?) and 'it''s' = ?";
    expect(await execute(sql, ['id', [1, 2, 3], "it's"])).toEqual([{ name: 2, mark: '?' }]);
  });

  test('take more values than SQLite can bind', async () => {
    const values = Array.from({ length: 40_000 }, (_, i) => i);
    const sql = `select count(*) as matches from (select 39999 as id) where id in (${values.map(() => '?').join(', ')})`;
    expect(await execute(sql, values)).toEqual([{ matches: 1 }]);
  });

  test('are prepared once, whatever their values', async () => {
    const [jane, john] = [await server.user(), await server.user()];
    const read = async (user: typeof jane) => {
      await user.request(MeDocument);
      await user.request(ConversationsDocument, { search: user.email.slice(0, 4) });
    };
    await read(jane);
    const prepare = jest.spyOn(await getSqliteClient(orm()), 'prepare');
    try {
      await read(john);
      await read(jane);
      // Periodic tasks may prepare statements at any time.
      const texts = prepare.mock.calls.map(([text]) => text);
      expect(texts.filter((text) => /users|conversations/.test(text))).toEqual([]);
    } finally {
      prepare.mockRestore();
    }
  });
});
