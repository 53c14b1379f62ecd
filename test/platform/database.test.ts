import { mkdtempSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Migration } from '@mikro-orm/migrations';
import { entities } from '../../src/entities.js';
import { openDatabase, withMigrator } from '../../src/platform/db/database.js';
import { withoutForeignKeys } from '../../src/platform/db/sqlite.js';
import { TestServer } from '../kit/server.js';
import { MeDocument } from '../../client/src/generated/graphql.js';

interface Database {
  pragma(source: string, options: { simple: true }): unknown;
}

describe('the database', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('SQLite uses WAL mode, foreign keys and a short busy timeout', async () => {
    await using orm = await openDatabase({ dialect: 'sqlite', path: join(folder, 'deep/er/parley.db') }, entities);
    const sqlite = (await orm.em.getConnection().getNativeClient()) as Database;
    expect(sqlite.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(sqlite.pragma('foreign_keys', { simple: true })).toBe(1);
    expect(sqlite.pragma('busy_timeout', { simple: true })).toBe(20);
  });

  test('data and access tokens survive a restart', async () => {
    const settings = { DATABASE_URL: `sqlite:${join(folder, 'restart.db')}` };
    const first = await TestServer.start(settings);
    const jane = await first.user();
    const { answer } = await jane.ask('Remember me', { stream: false });
    await first[Symbol.asyncDispose]();
    expect(statSync(join(folder, 'jwt-secret')).mode & 0o777).toBe(0o600);

    await using second = await TestServer.start(settings);
    const again = second.client(jane.accessToken);
    expect((await again.request(MeDocument)).me.id).toBe(jane.id);
    expect((await again.message(answer.id)).content).toBe('You asked: Remember me');
  });

  test('messages and their search index survive a migration that rebuilds their table', async () => {
    const path = join(folder, 'migrated.db');
    const settings = { DATABASE_URL: `sqlite:${path}`, JWT_SECRET: 'x'.repeat(40) };
    const before = await TestServer.start(settings);
    const jane = await before.user();
    const { conversation, answer } = await jane.ask('Findable 帐篷', { stream: false, requestId: 'first' });
    await before[Symbol.asyncDispose]();

    const configuration = { dialect: 'sqlite', path } as const;
    const to = 'Migration20261121235959_search';
    const reverted = await withMigrator(configuration, entities, (migrator) => migrator.down({ to }));
    expect(reverted.at(-1)!.name).toBe('Migration20261126013919');
    const after = await TestServer.start(settings);
    const again = after.client(jane.accessToken);
    await again.ask('Discoverable', { conversationId: conversation.id, stream: false });
    expect((await again.message(answer.id)).content).toBe('You asked: Findable 帐篷');
    // The migration that adds the column sets it for known requests.
    expect(
      await again.request('query ($id: ID!) { message(id: $id) { requestId inReplyTo { requestId } } }', answer),
    ).toEqual({ message: { requestId: 'first', inReplyTo: { requestId: 'first' } } });
    for (const word of ['findab', '篷', 'discoverab']) {
      const found = await again.request(`{ conversations(search: "${word}") { nodes { id } } }`);
      expect(found).toEqual({ conversations: { nodes: [{ id: conversation.id }] } });
    }
    await after[Symbol.asyncDispose]();
  });

  test('a migration that rebuilds a table keeps the rows that reference it', async () => {
    await using orm = await openDatabase({ dialect: 'sqlite', path: ':memory:' }, entities);
    const em = orm.em.fork();
    await em.execute(
      `insert into users (id, email, email_key, password_hash, created_at, updated_at) values ('u', 'e', 'e', 'h', 0, 0)`,
    );
    await em.execute(
      `insert into conversations (id, owner_id, title, created_at, updated_at) values ('c', 'u', 't', 0, 0)`,
    );
    class Rebuild extends Migration {
      override up(): void {
        this.addSql('pragma foreign_keys = off;');
        // A view and triggers of the search index reference conversations.
        for (const table of ['users', 'conversations']) {
          this.addSql(`create table ${table}_new as select * from ${table};`);
          this.addSql(`drop table ${table};`);
          this.addSql(`alter table ${table}_new rename to ${table};`);
          this.addSql(`create unique index ${table}_id on ${table} (id);`);
        }
        this.addSql('pragma foreign_keys = on;');
      }
    }
    orm.config.get('migrations').migrationsList = [{ name: 'Rebuild', class: Rebuild }];
    const migrator = new (orm.migrator.constructor as new (em: unknown) => typeof orm.migrator)(orm.em);
    await withoutForeignKeys(orm, () => migrator.up());
    expect(await em.execute(`select name from sqlite_master where name = 'users_id'`)).toHaveLength(1);
    expect(await em.execute('select id from conversations')).toEqual([{ id: 'c' }]);
    const sqlite = (await orm.em.getConnection().getNativeClient()) as Database;
    expect(sqlite.pragma('foreign_keys', { simple: true })).toBe(1);
  });
});
