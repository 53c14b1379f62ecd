import { mkdtempSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Migration } from '@mikro-orm/migrations';
import { entities } from '../../src/entities.js';
import { openDatabase } from '../../src/platform/db/database.js';
import { withoutForeignKeys } from '../../src/platform/db/sqlite.js';
import { TestServer } from '../kit/server.js';
import { MeDocument } from '../../src/client/generated/graphql.js';

interface Database {
  pragma(source: string, options: { simple: true }): unknown;
}

describe('the database', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('SQLite runs in WAL mode, with foreign keys and a busy timeout', async () => {
    await using orm = await openDatabase({ dialect: 'sqlite', path: join(folder, 'deep/er/parley.db') }, entities);
    const sqlite = (await orm.em.getConnection().getNativeClient()) as Database;
    expect(sqlite.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(sqlite.pragma('foreign_keys', { simple: true })).toBe(1);
    expect(sqlite.pragma('busy_timeout', { simple: true })).toBe(5000);
  });

  test('a restart keeps everything, and signs nobody out', async () => {
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

  test('a migration that rebuilds a table keeps the rows of its children', async () => {
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
        this.addSql('create table users_new as select * from users;');
        this.addSql('drop table users;');
        this.addSql('alter table users_new rename to users;');
        this.addSql('create unique index users_id on users (id);');
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
