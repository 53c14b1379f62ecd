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
} from '../../client/src/generated/graphql.js';
import { UserService } from '../../src/auth/user.service.js';
import { TestServer } from '../kit/server.js';

const [OLD, NEW] = ['an old test secret with at least 32 characters', 'a new test secret with at least 32 characters'];

test('access tokens stay valid while JWT_SECRET is rotated', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const DATABASE_URL = `sqlite:${join(folder, 'parley.db')}`;
  try {
    const before = await TestServer.start({ DATABASE_URL, JWT_SECRET: OLD });
    const jane = await before.user();
    await before[Symbol.asyncDispose]();

    const settings = { DATABASE_URL, JWT_SECRET: NEW, JWT_PREVIOUS_SECRETS: `${'x'.repeat(32)}, ${OLD}` };
    const john = await (async () => {
      await using during = await TestServer.start(settings);
      expect((await during.client(jane.accessToken).request(MeDocument)).me.id).toBe(jane.id);
      return await during.user();
    })();

    await using after = await TestServer.start({ DATABASE_URL, JWT_SECRET: NEW });
    expect(await after.client(jane.accessToken).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    expect((await after.client(john.accessToken).request(MeDocument)).me.id).toBe(john.id);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('no secret appears in the log, in an error or in the database', async () => {
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
        await jane.getErrors(ChangePasswordDocument, { input: { currentPassword: second, newPassword: first } }),
      ),
    );
    seen.push(JSON.stringify(await server.anyone.getErrors(LoginDocument, { input: { ...input, password: second } })));
    const change = { currentPassword: first, newPassword: second };
    const { changePassword } = await jane.request(ChangePasswordDocument, { input: change });
    const again = server.client(changePassword.accessToken);

    // Some providers repeat the API key in their errors.
    const taken = server.provider.takeCall();
    const { answer } = await again.ask('Does it leak?');
    (await taken).fail(401, { message: `Incorrect API key provided: ${apiKey}. Authorization: Bearer ${apiKey}` });
    await again.follow(answer.id).rest();
    seen.push(JSON.stringify(await again.message(answer.id)));

    // An internal error that contains secrets, such as the parameters of a query.
    const broken = jest.spyOn(UserService.prototype, 'login').mockImplementation(() => {
      throw Object.assign(new Error(`Bearer ${register.accessToken} ${NEW}`), { parameters: [second], query: second });
    });
    const masked = await server.anyone.getErrors(LoginDocument, { input: { ...input, password: second } });
    seen.push(JSON.stringify(masked));
    broken.mockRestore();

    const log = server.logged.join('');
    // Both errors were logged, or their absence from the log would show nothing.
    expect(log).toContain(answer.id);
    expect(log).toContain(masked[0]!.extensions['requestId']);
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
