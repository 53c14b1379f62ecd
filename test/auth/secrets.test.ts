import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import {
  ChangePasswordDocument,
  LoginDocument,
  MeDocument,
  RefreshTokensDocument,
  RegisterDocument,
} from '../../src/client/generated/graphql.js';
import { UserService } from '../../src/auth/user.service.js';
import { TestServer } from '../kit/server.js';

const [OLD, NEW] = ['an old secret of the tests that is long enough', 'a new secret of the tests that is long enough'];

test('JWT_SECRET can be rotated without logging anyone out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const DATABASE_URL = `sqlite:${join(folder, 'parley.db')}`;
  try {
    const before = await TestServer.start({ DATABASE_URL, JWT_SECRET: OLD });
    const jane = await before.user();
    await before[Symbol.asyncDispose]();

    await using during = await TestServer.start({
      DATABASE_URL,
      JWT_SECRET: NEW,
      JWT_PREVIOUS_SECRETS: `${'x'.repeat(32)}, ${OLD}`,
    });
    expect((await during.client(jane.accessToken).request(MeDocument)).me.id).toBe(jane.id);
    const john = await during.user();

    await using after = await TestServer.start({ DATABASE_URL, JWT_SECRET: NEW });
    expect(await after.client(jane.accessToken).codeOf(MeDocument)).toBe('UNAUTHENTICATED');
    expect((await after.client(john.accessToken).request(MeDocument)).me.id).toBe(john.id);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('no secret reaches the log, an error or the database in the clear', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const file = join(folder, 'parley.db');
  const apiKey = 'sk-test-of-the-operator-0123456789';
  const server = await TestServer.start({
    DATABASE_URL: `sqlite:${file}`,
    JWT_SECRET: NEW,
    OPENAI_API_KEY: apiKey,
    LOG_LEVEL: 'trace',
  });
  const seen: string[] = [];
  try {
    const [first, second] = ['the first password', 'the second password'];
    const input = { email: 'secretive@example.com', password: first };
    const { register } = await server.anyone.request(RegisterDocument, { input });
    const jane = server.client(register.accessToken);
    const { refreshTokens } = await server.anyone.request(RefreshTokensDocument, {
      input: { refreshToken: register.refreshToken },
    });
    seen.push(
      JSON.stringify(
        await jane.errorsOf(ChangePasswordDocument, { input: { currentPassword: second, newPassword: first } }),
      ),
    );
    seen.push(JSON.stringify(await server.anyone.errorsOf(LoginDocument, { input: { ...input, password: second } })));
    await jane.request(ChangePasswordDocument, { input: { currentPassword: first, newPassword: second } });

    // A provider that repeats the key in its error, as some do.
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('Does it leak?');
    (await taken).fail(401, { message: `Incorrect API key provided: ${apiKey}. Authorization: Bearer ${apiKey}` });
    await jane.follow(answer.id).rest();
    seen.push(JSON.stringify(await jane.message(answer.id)));

    // A fault of ours whose error holds what it must not, such as a query's parameters.
    const broken = jest.spyOn(UserService.prototype, 'login').mockImplementation(() => {
      throw Object.assign(new Error(`Bearer ${register.accessToken} ${NEW}`), { parameters: [second], query: second });
    });
    seen.push(JSON.stringify(await server.anyone.errorsOf(LoginDocument, { input: { ...input, password: second } })));
    broken.mockRestore();

    const log = server.logged.join('');
    expect(log).toContain('An answer failed');
    expect(log).toContain('A request failed');
    await server[Symbol.asyncDispose]();
    const stored = ['', '-wal']
      .map((suffix) => {
        try {
          return readFileSync(file + suffix, 'latin1');
        } catch {
          return '';
        }
      })
      .join('');
    expect(stored).toContain(input.email);

    const secrets = {
      first,
      second,
      apiKey,
      NEW,
      access: register.accessToken,
      refresh: register.refreshToken,
      next: refreshTokens.refreshToken,
    };
    for (const [name, secret] of Object.entries(secrets)) {
      for (const [place, text] of Object.entries({ log, errors: seen.join(''), stored })) {
        expect({ name, place, found: text.includes(secret) }).toEqual({ name, place, found: false });
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
