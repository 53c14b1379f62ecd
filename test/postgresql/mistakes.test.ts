import { entities } from '../../src/entities.js';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import { openDatabase } from '../../src/platform/db/database.js';
import { createDatabase, describePostgres, type TestDatabase } from '../kit/postgres.js';

describePostgres('a PostgreSQL database that cannot be used', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await createDatabase()));
  afterAll(() => database[Symbol.asyncDispose]());

  /** Opens a database as the server does. Resolves with the message of the error. */
  async function open(change: (url: URL) => void, from = database.url): Promise<string> {
    const url = new URL(from);
    change(url);
    try {
      const orm = await openDatabase(readConfiguration({ DATABASE_URL: url.href }).database, entities);
      await orm.close(true);
      return 'opened';
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
  }

  /** Runs `work` with a new user, which may only connect. `login` puts the user into a URL. */
  async function asGuest(work: (login: (url: URL) => void, name: string) => Promise<void>): Promise<void> {
    const name = `guest_${crypto.randomUUID().slice(0, 8)}`;
    await database.execute(`create role ${name} login password 'a password'`);
    try {
      await work((url) => Object.assign(url, { username: name, password: 'a password' }), name);
    } finally {
      await database.execute(`drop owned by ${name}; drop role ${name}`);
    }
  }

  test('a wrong password and an unknown database', async () => {
    await asGuest(async (_login, username) => {
      expect(await open((url) => Object.assign(url, { username, password: 'wrong' }))).toBe(
        'DatabaseError: Authentication failed: check the credentials in DATABASE_URL.',
      );
    });
    expect(await open((url) => (url.pathname = '/no-such-database'))).toBe(
      'DatabaseError: Database "no-such-database" not found: create it, or correct DATABASE_URL.',
    );
  });

  test('a read-only server', async () => {
    const { host } = new URL(database.url);
    expect(await open((url) => url.searchParams.set('options', '-c default_transaction_read_only=on'))).toBe(
      `DatabaseError: The database at ${host} is read-only: use the address of the primary server in DATABASE_URL.`,
    );
  });

  test('a user that may not create tables', async () => {
    await using empty = await createDatabase('template0');
    await asGuest(async (login) => {
      expect(await open(login, empty.url)).toBe(
        'DatabaseError: The user of DATABASE_URL has no permission to create tables: make it the owner of the database.',
      );
    });
  });

  test('a user that may not write a table', async () => {
    await asGuest(async (login, name) => {
      await database.execute(`grant select, insert, update, delete on all tables in schema public to ${name}`);
      expect(await open(login)).toBe('opened');
      await database.execute(`revoke delete on messages from ${name}`);
      expect(await open(login)).toMatch(/^DatabaseError: .* no permission to write messages: grant SELECT, INSERT/);
    });
  });
});
