import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { LoginDocument } from '../../client/src/generated/graphql.js';
import { entities } from '../../src/entities.js';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import { withMigrator } from '../../src/platform/db/database.js';
import { createDatabase, POSTGRES_URL } from '../kit/postgres.js';
import { PASSWORD, TestServer } from '../kit/server.js';

describe('the migration of email keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-keys-'));
  afterAll(() => rm(folder, { recursive: true }));

  test('brings accounts along, and names those whose email is another account’s', async () => {
    await using database = POSTGRES_URL ? await createDatabase() : null;
    const DATABASE_URL = database?.url ?? `sqlite:${join(folder, 'parley.db')}`;
    const settings = { DATABASE_URL, JWT_SECRET: 'x'.repeat(40) };
    const configuration = readConfiguration({ DATABASE_URL }).database;
    const ids: Record<string, string> = {};
    {
      await using before = await TestServer.start(settings);
      for (const name of ['Alone', 'unicode', 'punycode'])
        ids[name] = (await before.user({ email: `${name}@bücher.example` })).id;
      // As two accounts were stored before the migration.
      const same = ['same@xn--bcher-kva.example', ids['punycode']];
      await before.em.execute('update users set email = ?, email_key = ? where id = ?', [same[0], ...same]);
      await before.em.execute(`update users set email = 'same@bücher.example' where id = ?`, [ids['unicode']]);
    }
    const reverted = await withMigrator(configuration, entities, (migrator) =>
      migrator.down({ to: 'Migration20261126082500_search_characters' }),
    );
    expect(reverted.at(-1)?.name).toBe('Migration20261126083000');

    const printed = jest.spyOn(console, 'error').mockImplementation(() => {});
    await using after = await TestServer.start(settings);
    expect(printed.mock.calls.flat().join()).toContain(`${ids['punycode']} and ${ids['unicode']} have the same email`);
    printed.mockRestore();
    const login = async (email: string) =>
      (await after.anyone.request(LoginDocument, { input: { email, password: PASSWORD } })).login.user.id;
    for (const domain of ['bücher.example', 'xn--bcher-kva.example']) {
      expect(await login(`alone@${domain}`)).toBe(ids['Alone']);
      expect(await login(`same@${domain}`)).toBe(ids['punycode']);
    }
  });
});
