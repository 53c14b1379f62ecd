import { entities } from '../../src/entities.js';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import { openDatabase, withMigrator } from '../../src/platform/db/database.js';
import { createDatabase, describePostgres } from '../kit/postgres.js';
import { TestServer } from '../kit/server.js';

const configurationOf = (url: string) => readConfiguration({ DATABASE_URL: url }).database;

describePostgres('migrations of PostgreSQL', () => {
  test('instances that start at once migrate once', async () => {
    await using empty = await createDatabase('template0');
    const starting = Array.from({ length: 4 }, () => openDatabase(configurationOf(empty.url), entities));
    for (const orm of await Promise.all(starting)) await orm.close();
    const ran = await empty.execute<{ name: string }>('select name from mikro_orm_migrations');
    expect(ran.map(({ name }) => name)).toEqual([...new Set(ran.map(({ name }) => name))]);
    expect(ran.length).toBeGreaterThan(1);
  });

  test('one goes down and up again with rows there, and what was stored is found', async () => {
    await using database = await createDatabase();
    const settings = { DATABASE_URL: database.url, JWT_SECRET: 'x'.repeat(40) };
    const before = await TestServer.start(settings);
    const jane = await before.user();
    const { conversation } = await jane.ask('Findable', { stream: false });
    await before[Symbol.asyncDispose]();

    const configuration = configurationOf(database.url);
    const [down] = await withMigrator(configuration, entities, (migrator) => migrator.down());
    expect(down!.name).toContain('search');
    expect(await database.execute(`select 1 from pg_proc where proname like 'search_%'`)).toEqual([]);
    await using server = await TestServer.start(settings);
    const found = await server.client(jane.accessToken).request('{ conversations(search: "findab") { nodes { id } } }');
    expect(found).toEqual({ conversations: { nodes: [{ id: conversation.id }] } });
  });

  test('all the way down nothing is left', async () => {
    await using database = await createDatabase();
    await withMigrator(configurationOf(database.url), entities, (migrator) => migrator.down({ to: 0 }));
    const tables = await database.execute<{ tablename: string }>(
      `select tablename from pg_tables where schemaname = 'public'`,
    );
    expect(tables).toEqual([{ tablename: 'mikro_orm_migrations' }]);
  });

  test('the columns are what PostgreSQL has for them', async () => {
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

  test('a database that could not hold every text is refused', async () => {
    await using database = await createDatabase('template0', `encoding 'LATIN1' locale 'C'`);
    await expect(openDatabase(configurationOf(database.url), entities)).rejects.toThrow('create one with UTF8');
  });
});
