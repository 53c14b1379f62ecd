import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { EmailToken } from '../../src/auth/email-token.entity.js';
import { Mail } from '../../src/auth/mail.entity.js';
import { Outbox } from '../../src/auth/outbox.js';
import { User } from '../../src/auth/user.entity.js';
import {
  AskQuestionDocument,
  ChangePasswordDocument,
  LoginDocument,
  MeDocument,
  MySecurityEventsDocument,
  RequestEmailVerificationDocument,
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  StartGuestSessionDocument,
  VerifyEmailDocument,
} from '../../client/src/generated/graphql.js';
import { SmtpMailer } from '../../src/platform/mail/smtp-mailer.js';
import { MailServer } from '../kit/mail-server.js';
import { captureQueries } from '../kit/queries.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { openSignedInSocket } from '../kit/signed-in-socket.js';
import { until } from '../kit/until.js';

const NEW_PASSWORD = 'a wholly new passphrase';

describe('links in mails', () => {
  let mails: MailServer;
  let server: TestServer;
  beforeAll(async () => {
    mails = await MailServer.start();
    server = await TestServer.start(mails.settings);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await mails[Symbol.asyncDispose]();
  });
  // A test that leaves a mail behind would confuse the next one.
  afterEach(() => expect(mails.inbox.all.length).toBe(mails.offered));

  const request = async (email: string) =>
    (await server.anyone.request(RequestPasswordResetDocument, { email })).requestPasswordReset;
  const reset = async (token: string, newPassword = NEW_PASSWORD) =>
    (await server.anyone.request(ResetPasswordDocument, { input: { token, newPassword } })).resetPassword;
  const resetCode = (token: string, newPassword = NEW_PASSWORD) =>
    server.anyone.getErrorCode(ResetPasswordDocument, { input: { token, newPassword } });
  const loginCode = (email: string, password: string) =>
    server.anyone.getErrorCode(LoginDocument, { input: { email, password } });
  const getToken = async (email: string) => {
    await request(email);
    return (await mails.next()).token;
  };
  const idle = () => Promise.all(server.instances.map(({ services }) => services.outbox!.idle()));

  describe('a forgotten password', () => {
    test('is replaced: all sessions end, their sockets close, and a notice is sent', async () => {
      const jane = await server.user();
      const socket = await openSignedInSocket(server.url, jane.accessToken!);
      expect(await request(` ${jane.email.toUpperCase()} `)).toBe(true);
      const mail = await mails.next();
      expect(mail).toMatchObject({ from: 'parley@example.com', to: [jane.email] });
      expect(mail.source).toContain(`https://chat.example.com/app/reset-password#token=${mail.token}`);
      expect(mail.source).toContain('Subject: Set a new password');
      expect(mail.token).toMatch(/^[\w-]{43}$/);
      // The database contains the hash only.
      const [stored] = await server.em.find(EmailToken, { user: jane.id });
      expect(JSON.stringify(stored)).not.toContain(mail.token);

      const payload = await reset(mail.token);
      expect(payload.user).toMatchObject({ id: jane.id, emailVerified: true });
      expect(await socket.closed).toBe(4403);
      expect(await jane.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
      expect((await mails.next()).source).toContain('Subject: Your password was changed');
      expect(await loginCode(jane.email, PASSWORD)).toBe('UNAUTHENTICATED');
      const input = { email: jane.email, password: NEW_PASSWORD };
      expect((await server.anyone.request(LoginDocument, { input })).login.user.id).toBe(jane.id);
      const renewed = server.client(payload.accessToken);
      const { nodes } = (await renewed.request(MySecurityEventsDocument, { first: 20 })).mySecurityEvents;
      expect(nodes.map(({ type }) => type)).toContain('PASSWORD_RESET');
      expect(server.logged.join('')).not.toContain(mail.token);
    });

    test('an unknown email gets the same answer and no mail', async () => {
      const offered = mails.offered;
      expect(await request('unknown@example.com')).toBe(true);
      await until(async () => (await server.em.count(Mail)) === 0);
      await idle();
      expect(mails.offered).toBe(offered);
    });

    test('a token works once: of 20 uses at the same time, one succeeds', async () => {
      const jane = await server.user();
      const token = await getToken(jane.email);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => reset(token, `${NEW_PASSWORD} ${i}`)),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await resetCode(token)).toBe('LINK_INVALID');
      await mails.next();
      expect(await server.count(`sessions where user_id = '${jane.id}' and ended_at is null`)).toBe(1);
    });

    test('a newer token makes an older one invalid, and so does a change of the password', async () => {
      const jane = await server.user();
      const first = await getToken(jane.email);
      const second = await getToken(jane.email);
      expect(await resetCode(first)).toBe('LINK_INVALID');
      const input = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
      await jane.request(ChangePasswordDocument, { input });
      expect(await resetCode(second)).toBe('LINK_INVALID');
    });

    test('guessed, foreign, expired and misused tokens are LINK_INVALID and change nothing', async () => {
      const jane = await server.user();
      const token = await getToken(jane.email);
      await jane.request(RequestEmailVerificationDocument);
      const verification = (await mails.next()).token;
      const [stored] = await server.em.find(EmailToken, { user: jane.id, purpose: 'password-reset' });
      const guesses = [
        '',
        'x',
        token.slice(1),
        `${token}x`,
        token.toLowerCase(),
        stored!.hash,
        verification,
        '%',
        '__',
      ];
      for (const guess of guesses) expect(await resetCode(guess)).toBe('LINK_INVALID');
      expect(await server.anyone.getErrorCode(VerifyEmailDocument, { input: { token } })).toBe('LINK_INVALID');
      // A password that is refused does not use the token up.
      expect(await resetCode(token, 'password1')).toBe('BAD_USER_INPUT');
      await server.em.nativeUpdate(EmailToken, { hash: stored!.hash }, { expiresAt: new Date(Date.now() - 1) });
      expect(await resetCode(token)).toBe('LINK_INVALID');
      expect((await jane.request(MeDocument)).me).toMatchObject({ id: jane.id, emailVerified: false });
    });

    test('a token is valid for 30 minutes, and that of a disabled or deleted account is useless', async () => {
      const jane = await server.user();
      const before = Date.now();
      const token = await getToken(jane.email);
      const [stored] = await server.em.find(EmailToken, { user: jane.id });
      const lifetime = stored!.expiresAt.getTime() - before;
      expect(lifetime).toBeGreaterThanOrEqual(30 * 60_000);
      expect(lifetime).toBeLessThan(31 * 60_000);
      await server.em.nativeUpdate(User, { id: jane.id }, { disabledAt: new Date() });
      expect(await resetCode(token)).toBe('FORBIDDEN');
      await server.em.nativeDelete(User, { id: jane.id });
      expect(await resetCode(token)).toBe('LINK_INVALID');
    });

    test('a login with the old password at the same time does not survive', async () => {
      const jane = await server.user();
      const token = await getToken(jane.email);
      const input = { email: jane.email, password: PASSWORD };
      const logins = Array.from({ length: 10 }, () =>
        server.anyone.request(LoginDocument, { input }).then(
          ({ login }) => login.accessToken,
          () => null,
        ),
      );
      await reset(token);
      await mails.next();
      for (const accessToken of await Promise.all(logins))
        if (accessToken) expect(await server.client(accessToken).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    });

    test('the work of a response does not tell whether an account exists', async () => {
      const jane = await server.user();
      // What happens after the response is left out: no response waits for it.
      const send = jest.spyOn(Outbox.prototype, 'send').mockImplementation(() => {});
      const work = async (email: string) => {
        send.mockClear();
        const queries = await captureQueries(server, () => request(email));
        await until(() => send.mock.calls.length > 0);
        return [...queries.map(({ sql }) => sql), `${send.mock.calls.length} mails`];
      };
      try {
        const known = await work(jane.email);
        expect(known).toHaveLength(2);
        expect(known[0]).toMatch(/^insert into .mails?. /);
        expect(await work('unknown@example.com')).toEqual(known);
      } finally {
        send.mockRestore();
      }
      for (const { services } of server.instances) services.outbox!.send();
      await mails.next();
      await until(async () => (await server.em.count(Mail)) === 0);
      await idle();
    });
  });

  describe('verification', () => {
    test('a link verifies the email once, without a session', async () => {
      const jane = await server.user();
      expect((await jane.request(RequestEmailVerificationDocument)).requestEmailVerification).toBe(true);
      const { token, source } = await mails.next();
      expect(source).toContain(`/app/verify-email#token=${token}`);
      const { verifyEmail } = await server.anyone.request(VerifyEmailDocument, { input: { token } });
      expect(verifyEmail).toMatchObject({ id: jane.id, emailVerified: true });
      expect(await server.anyone.getErrorCode(VerifyEmailDocument, { input: { token } })).toBe('LINK_INVALID');
      // Nothing is sent when it is verified.
      await jane.request(RequestEmailVerificationDocument);
      await until(async () => (await server.em.count(Mail)) === 0);
      const { nodes } = (await jane.request(MySecurityEventsDocument, { first: 20 })).mySecurityEvents;
      expect(nodes.filter(({ type }) => type === 'EMAIL_VERIFIED')).toHaveLength(1);
    });
  });

  describe('mails', () => {
    test('a mail that the server refuses for now is sent again later, one refused for good is given up', async () => {
      const jane = await server.user();
      mails.refusals.push(451);
      await request(jane.email);
      await until(async () => (await server.em.count(Mail, { attempts: 1, nextAttemptAt: { $gt: new Date() } })) === 1);
      await idle();
      await server.em.nativeUpdate(Mail, {}, { nextAttemptAt: new Date() });
      // All instances try; one sends it.
      for (const { services } of server.instances) services.outbox!.send();
      expect((await mails.next()).to).toEqual([jane.email]);
      await until(async () => (await server.em.count(Mail)) === 0);
      await idle();

      mails.refusals.push(550);
      await request(jane.email);
      await until(() => server.logged.some((line) => line.includes('Mail given up.')));
      await until(async () => (await server.em.count(Mail)) === 0);
      // The replies of the mail server quote addresses.
      expect(server.logged.filter((line) => line.includes('Refused') || line.includes(jane.email))).toEqual([]);
      mails.offered -= 2;
    });

    test('are in the language of the browser, in plain text and HTML', async () => {
      const jane = await server.user();
      const acceptLanguage = 'fr, de-AT;q=0.8, en;q=0.1';
      await server.anyone.http.request(
        RequestPasswordResetDocument,
        { email: jane.email },
        { 'accept-language': acceptLanguage },
      );
      const { source } = await mails.next();
      expect(source).toContain('Neues Passwort');
      expect(source).toContain('Content-Type: text/plain');
      expect(source).toContain('Content-Type: text/html');
      expect(source).toContain('Auto-Submitted: auto-generated');
    });

    test('contain nothing that a user has written, so they cannot carry a message of another person', async () => {
      const jane = await server.user({ name: 'Visit evil example' });
      await request(jane.email);
      expect((await mails.next()).source).not.toContain('evil');
    });
  });
});

test.each([
  'a@example.com\r\nBcc: evil@example.com',
  'a@example.com\nSubject: Hello',
  'a@example.com, evil@example.com',
  'a@example.com <evil@example.com>',
  '"evil@example.com x"@example.com',
  'a@example.com\r\n\r\nA body',
])('an address such as %j adds neither a header nor a recipient', async (address) => {
  await using mails = await MailServer.start();
  await using server = await TestServer.start(mails.settings);
  // The quoted one is a valid address.
  if (!address.startsWith('"'))
    expect(await server.anyone.getErrorCode(RequestPasswordResetDocument, { email: address })).toBe('BAD_USER_INPUT');
  // Also if such an address were in the database.
  using mailer = new SmtpMailer(mails.url, 'Parley <parley@example.com>');
  const sent = await mailer.send({ to: address, subject: 'Subject', text: 'Text', html: 'HTML' }).then(
    () => true,
    () => false,
  );
  if (!sent) return;
  const { to, source } = await mails.next();
  expect(to).toHaveLength(1);
  const [headers] = source.split('\r\n\r\n');
  expect(headers).not.toMatch(/^(Bcc|Cc):/im);
  expect(headers!.match(/^Subject:/gim)).toHaveLength(1);
  expect(headers!.match(/^To:/gim)).toHaveLength(1);
  expect(to).not.toContain('evil@example.com');
});

test('a password is not sent to a mail server that offers no TLS, if TLS is required', async () => {
  await using mails = await MailServer.start();
  const mail = { to: 'jane@example.com', subject: 'Subject', text: 'Text', html: 'HTML' };
  const url = mails.url.replace('smtp://', 'smtp://user:password@');
  using strict = new SmtpMailer(`${url}?requireTLS=true`, 'parley@example.com');
  await expect(strict.send(mail)).rejects.toThrow('ETLS');
  // Another name of this machine, which does not count as such.
  using remote = new SmtpMailer(url.replace('127.0.0.1', '0.0.0.0'), 'parley@example.com');
  await expect(remote.send(mail)).rejects.toThrow('ETLS');
  expect(mails.offered).toBe(0);
});

test.each(['a@example.com\r\nBcc: b@example.com', 'A, B <a@example.com>', 'A <a@example.com> B', 'A'])(
  'MAIL_FROM cannot be %j',
  async (MAIL_FROM) => {
    const settings = { SMTP_URL: 'smtp://127.0.0.1:1', APP_URL: 'https://chat.example.com', MAIL_FROM };
    await expect(TestServer.start(settings)).rejects.toThrow('MAIL_FROM');
  },
);

describe('settings of mail', () => {
  const PRODUCTION = { NODE_ENV: 'production', JWT_SECRET: 'x'.repeat(40) };

  test('without SMTP in production, the mutations are UNAVAILABLE and the start says so', async () => {
    await using server = await TestServer.start(PRODUCTION);
    const jane = await server.user();
    for (const email of [jane.email, 'unknown@example.com'])
      expect(await server.anyone.getErrorCode(RequestPasswordResetDocument, { email })).toBe('UNAVAILABLE');
    expect(await jane.getErrorCode(RequestEmailVerificationDocument)).toBe('UNAVAILABLE');
    expect(server.logged.join('')).toContain('Mail is not configured');
  });

  test('without SMTP in development, mails are printed to the terminal', async () => {
    const printed: string[] = [];
    const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed.push(String(text));
      return true;
    });
    try {
      await using server = await TestServer.start({ PORT: '0' });
      const jane = await server.user();
      await server.anyone.request(RequestPasswordResetDocument, { email: jane.email });
      await until(() => printed.join('').includes('/reset-password#token='));
      const token = /#token=([\w-]+)/.exec(printed.join(''))![1]!;
      await server.anyone.request(ResetPasswordDocument, { input: { token, newPassword: NEW_PASSWORD } });
    } finally {
      write.mockRestore();
    }
  });

  test('requests are limited per email and per address, equally for every email', async () => {
    await using mails = await MailServer.start();
    await using server = await TestServer.start({ ...mails.settings, RATE_LIMIT_AUTH: '40/1s' });
    const jane = await server.user();
    const request = (email: string) => server.anyone.getErrors(RequestPasswordResetDocument, { email });
    for (const email of [jane.email, 'unknown@example.com']) {
      for (let i = 0; i < 10; i += 1) await server.anyone.request(RequestPasswordResetDocument, { email });
      expect((await request(email))[0]!.extensions['code']).toBe('RATE_LIMITED');
    }
  });

  test('with EMAIL_VERIFICATION=required, members verify their email before they ask, and guests ask', async () => {
    await using mails = await MailServer.start();
    await using server = await TestServer.start({ ...mails.settings, EMAIL_VERIFICATION: 'required', GUESTS: 'on' });
    const jane = await server.user();
    const ask = { input: { question: 'Hello?', stream: false } };
    expect(await jane.getErrorCode(AskQuestionDocument, ask)).toBe('EMAIL_NOT_VERIFIED');
    await jane.request(RequestEmailVerificationDocument);
    const { token } = await mails.next();
    await server.anyone.request(VerifyEmailDocument, { input: { token } });
    await jane.request(AskQuestionDocument, ask);
    const { startGuestSession } = await server.anyone.request(StartGuestSessionDocument);
    const guest = server.client(startGuestSession.accessToken);
    await guest.request(AskQuestionDocument, ask);
    expect(await guest.getErrorCode(RequestEmailVerificationDocument)).toBe('FORBIDDEN');
  });

  test('with EMAIL_VERIFICATION=off, no links are sent', async () => {
    await using mails = await MailServer.start();
    await using server = await TestServer.start({ ...mails.settings, EMAIL_VERIFICATION: 'off' });
    const jane = await server.user();
    expect(await jane.getErrorCode(RequestEmailVerificationDocument)).toBe('FORBIDDEN');
    await jane.ask('Hello?', { stream: false });
  });

  test('templates of the operator replace built-in ones, and a broken one is reported at start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-mails-'));
    try {
      mkdirSync(join(folder, 'en'));
      writeFileSync(join(folder, 'en/password-reset.txt'), 'Subject: My shop\n\nGo to {{link}} now.\n');
      await using mails = await MailServer.start();
      const settings = { ...mails.settings, MAIL_TEMPLATES_FOLDER: folder };
      await using server = await TestServer.start(settings);
      const jane = await server.user();
      await server.anyone.request(RequestPasswordResetDocument, { email: jane.email });
      const { source, token } = await mails.next();
      expect(source).toContain('Subject: My shop');
      expect(source).toContain(`Go to https://chat.example.com/app/reset-password#token=${token} now.`);
      for (const text of ['No subject {{link}}', 'Subject: No link\n\nHello', 'Subject: x\n\n{{link}} {{password}}']) {
        writeFileSync(join(folder, 'en/password-reset.txt'), text);
        await expect(TestServer.start(settings)).rejects.toThrow('MAIL_TEMPLATES_FOLDER');
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
