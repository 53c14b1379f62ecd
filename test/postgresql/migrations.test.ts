import { entities } from '../../src/entities.js';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import { openDatabase, withMigrator } from '../../src/platform/db/database.js';
import { createDatabase, describePostgres } from '../kit/postgres.js';
import { TestServer } from '../kit/server.js';

const toConfiguration = (url: string) => readConfiguration({ DATABASE_URL: url }).database;

describePostgres('migrations on PostgreSQL', () => {
  test('instances that start at the same time apply each migration once', async () => {
    await using empty = await createDatabase('template0');
    const starting = Array.from({ length: 4 }, () => openDatabase(toConfiguration(empty.url), entities));
    for (const orm of await Promise.all(starting)) await orm.close();
    const ran = await empty.execute<{ name: string }>('select name from mikro_orm_migrations');
    expect(ran.map(({ name }) => name)).toEqual([...new Set(ran.map(({ name }) => name))]);
    expect(ran.length).toBeGreaterThan(1);
  });

  test('migrations can be reverted and applied again with rows in the tables', async () => {
    await using database = await createDatabase();
    const settings = { DATABASE_URL: database.url, JWT_SECRET: 'x'.repeat(40) };
    const before = await TestServer.start(settings);
    const jane = await before.user();
    const { conversation, answer } = await jane.ask('Findable 帐篷', { stream: false, requestId: 'first' });
    await before[Symbol.asyncDispose]();

    const configuration = toConfiguration(database.url);
    const to = 'Migration20261122012152';
    const reverted = await withMigrator(configuration, entities, (migrator) => migrator.down({ to }));
    expect(reverted.at(-1)!.name).toContain('search');
    expect(await database.execute(`select 1 from pg_proc where proname like 'search_%'`)).toEqual([]);
    await using server = await TestServer.start(settings);
    const again = server.client(jane.accessToken);
    expect(
      await again.request('query ($id: ID!) { message(id: $id) { requestId inReplyTo { requestId } } }', answer),
    ).toEqual({ message: { requestId: 'first', inReplyTo: { requestId: 'first' } } });
    const found = await again.request('{ conversations(search: "findab 篷") { nodes { id } } }');
    expect(found).toEqual({ conversations: { nodes: [{ id: conversation.id }] } });
  });

  test('reverting all migrations removes all tables', async () => {
    await using database = await createDatabase();
    await withMigrator(toConfiguration(database.url), entities, (migrator) => migrator.down({ to: 0 }));
    const tables = await database.execute<{ tablename: string }>(
      `select tablename from pg_tables where schemaname = 'public'`,
    );
    expect(tables).toEqual([{ tablename: 'mikro_orm_migrations' }]);
  });

  test('columns use the types of PostgreSQL', async () => {
    await using database = await createDatabase();
    const columns = await database.execute<{ it: string }>(
      `select table_name || '.' || column_name || ' ' || data_type as it from information_schema.columns
       where table_schema = 'public' and column_name in ('id', 'metadata', 'created_at', 'estimated') order by 1`,
    );
    expect(columns.map(({ it }) => it)).toEqual(
      expect.arrayContaining([
        'conversations.created_at timestamp with time zone',
        'conversations.id uuid',
        'conversations.metadata jsonb',
        'model_calls.estimated boolean',
      ]),
    );
  });

  test('a database with an encoding other than UTF-8 is rejected', async () => {
    await using database = await createDatabase('template0', `encoding 'LATIN1' locale 'C'`);
    await expect(openDatabase(toConfiguration(database.url), entities)).rejects.toThrow('create one with UTF8');
  });
});
