import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { IdentityProvider } from '../kit/identity-provider.js';
import { MailServer } from '../kit/mail-server.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { ChatPage } from './chat-page.js';

jest.setTimeout(180_000);

const GUESTS = { GUESTS: 'on', GUEST_SESSIONS_PER_ADDRESS: 'off', GUEST_RATE_LIMIT_ASK: 'off' };

(BROWSER ? describe : describe.skip)('accounts in the web chat', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  const startGuest = async (server: TestServer) => {
    const chat = await ChatPage.open(browser, server.url, { path: '/sign-in' });
    await chat.page.getByRole('button', { name: 'Try it without an account' }).click();
    await chat.input.waitFor();
    return chat;
  };

  test('a guest talks, signs up while an answer is written, and finds it going on', async () => {
    await using server = await TestServer.start(GUESTS);
    await using chat = await startGuest(server);
    await using other = await chat.tab();
    await other.input.fill('A draft of the guest');
    const taken = server.provider.takeCall();
    await chat.ask('Tell me a story.');
    const call = await taken;
    call.delta('Once upon ');
    await chat.read('Once upon');
    const { pathname } = new URL(chat.page.url());
    await chat.page.getByRole('link', { name: 'Create account' }).click();
    await chat.page.getByRole('link', { name: 'Sign in' }).click();
    await chat.page.getByRole('link', { name: 'Create account' }).click();
    await chat.signUp('Jane');
    call.delta('a time.');
    await chat.read('Once upon a time.');
    expect(new URL(chat.page.url()).pathname).toBe(pathname);
    FakeProvider.done(call);
    await chat.finished();
    await chat.ask('And then?');
    await chat.read('You asked: And then?');
    // The other tab has become that of the account, too, and keeps what was written.
    await other.page.locator('.user', { hasText: 'Jane' }).waitFor();
    await other.list.filter({ hasText: 'And then?' }).waitFor();
    expect(await other.input.inputValue()).toBe('A draft of the guest');
    expect(await server.count(`conversations c join users u on u.id = c.owner_id where u.role = 'USER'`)).toBe(1);
    for (const tab of [chat, other]) expect(tab.mistakes).toEqual([]);
  });

  test('a guest signs in, and a guest that the server has forgotten does not prevent it', async () => {
    await using server = await TestServer.start(GUESTS);
    const jane = await server.user({ name: 'Jane' });
    for (const isForgotten of [false, true]) {
      await using chat = await startGuest(server);
      await chat.ask('Do you know me?');
      await chat.finished();
      if (isForgotten) await chat.page.getByRole('link', { name: 'New conversation' }).click();
      await chat.page.locator('.guest-notice').getByRole('link', { name: 'Sign in' }).click();
      if (isForgotten) await server.em.nativeDelete(User, { role: Role.GUEST });
      await chat.signIn(jane.email);
      await chat.page.locator('.user', { hasText: 'Jane' }).waitFor();
      // Only the conversation of the first one is there.
      await chat.list.filter({ hasText: 'Do you know me?' }).waitFor();
      expect(await server.count(`conversations where owner_id = '${jane.id}'`)).toBe(1);
    }
  });

  test('a guest deletes the conversations without a password', async () => {
    await using server = await TestServer.start(GUESTS);
    await using chat = await startGuest(server);
    await chat.ask('Forget me.');
    await chat.finished();
    await chat.page.goto(`${server.url}/account`);
    await chat.page.getByRole('button', { name: 'Delete account' }).click();
    await chat.page.getByRole('dialog').getByRole('button', { name: 'Delete account' }).click();
    await chat.page.getByLabel('Email').waitFor();
    expect(await server.count('conversations')).toBe(0);
  });

  test('a user sees all sessions, and ends them', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    const email = await chat.signUp();
    await using other = await ChatPage.open(browser, server.url, { path: '/sign-in' });
    await other.signIn(email);
    await chat.page.locator('.user').click();
    await chat.page.getByRole('menuitem', { name: 'Account' }).click();
    const sessions = chat.page.getByRole('region', { name: 'Where you are signed in' });
    await sessions.getByText('This browser').waitFor();
    expect(await sessions.getByRole('listitem').count()).toBe(2);
    await chat.page.getByRole('region', { name: 'Security of your account' }).getByText('Account created').waitFor();
    await sessions.getByRole('button', { name: 'Sign out everywhere' }).click();
    for (const page of [chat, other]) await page.page.getByLabel('Email').waitFor();
  });

  test('without guests and registration, visitors can only sign in', async () => {
    await using server = await TestServer.start({ REGISTRATION: 'closed' });
    await using chat = await ChatPage.open(browser, server.url);
    await chat.page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    expect(await chat.page.getByText('Try it without an account').count()).toBe(0);
    expect(await chat.page.getByText('Create account').count()).toBe(0);
  });

  test('a new user gets a link, and asks when the email is verified', async () => {
    await using mails = await MailServer.start();
    await using server = await TestServer.start({ ...mails.settings, EMAIL_VERIFICATION: 'required' });
    await using chat = await ChatPage.open(browser, server.url);
    const email = await chat.signUp();
    const first = await mails.next();
    expect(first.to).toEqual([email]);
    const banner = chat.page.getByText(
      `Before you can ask, verify your email with the link that was sent to ${email}.`,
    );
    await banner.waitFor();
    await chat.ask('Am I allowed to ask?');
    await chat.page.getByText('Verify your email first').waitFor();
    await chat.page.getByRole('button', { name: 'Send the mail again' }).click();
    await chat.page.getByText('A new link is on its way.').waitFor();
    const { token } = await mails.next();
    await using link = await chat.tab(`/verify-email#token=${token}`);
    await link.page.getByRole('button', { name: 'Verify my email' }).click();
    await link.page.getByText('Your email is verified.').waitFor();
    await banner.waitFor({ state: 'detached' });
    await chat.page.getByRole('button', { name: 'Send again' }).click();
    await chat.read('You asked: Am I allowed to ask?');
    expect(chat.mistakes).toEqual([]);
  });

  test('an optional verification is a banner that can be closed, and none without a mail server', async () => {
    await using mails = await MailServer.start();
    for (const settings of [mails.settings, {}]) {
      await using server = await TestServer.start(settings);
      await using chat = await ChatPage.open(browser, server.url);
      await chat.signUp();
      const banner = chat.page.getByText('Verify your email with the link');
      if ('SMTP_URL' in settings) {
        await mails.next();
        await banner.waitFor();
        await chat.page.getByRole('button', { name: 'Close' }).click();
      }
      expect(await banner.count()).toBe(0);
    }
  });

  describe('with an identity provider', () => {
    let provider: IdentityProvider;
    let server: TestServer;
    beforeAll(async () => {
      // The provider says that its data is kept in memory only.
      jest.spyOn(console, 'warn').mockImplementation(() => {});
      jest.spyOn(console, 'info').mockImplementation(() => {});
      provider = await IdentityProvider.start();
      server = await TestServer.start({ ...provider.signInSettings, ...GUESTS });
      await provider.allow(server.url);
    });
    afterAll(async () => {
      await server[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    });

    const signIn = async (chat: ChatPage, name: string) => {
      await chat.page.getByRole('button', { name: 'Sign in with Example Shop' }).click();
      await chat.page.getByRole('link', { name }).click();
    };

    test('a user signs in there, and a guest takes the conversation along', async () => {
      provider.add({ sub: randomUUID(), name: 'Ada Shopper', email: 'ada@example.com', email_verified: true });
      await using chat = await startGuest(server);
      await chat.ask('Do I keep this?');
      await chat.finished();
      const { pathname } = new URL(chat.page.url());
      await chat.page.locator('.guest-notice').getByRole('link', { name: 'Sign in' }).click();
      await signIn(chat, 'Ada Shopper');
      await chat.page.locator('.user', { hasText: 'Ada Shopper' }).waitFor();
      await chat.read('You asked: Do I keep this?');
      // No code is left in the address.
      expect(chat.page.url()).toBe(server.url + pathname);
      expect(chat.mistakes).toEqual([]);

      await using again = await ChatPage.open(browser, server.url, { path: '/sign-in' });
      await signIn(again, 'Ada Shopper');
      await again.list.filter({ hasText: 'Do I keep this?' }).waitFor();
    });

    test('a link with the code of another person, and an error of the provider, sign nobody in', async () => {
      await using chat = await ChatPage.open(browser, server.url, { path: '/sign-in' });
      const users = await server.count('users');
      await chat.page.goto(`${server.url}/identity?code=stolen&state=guessed`);
      const failure = chat.page.getByText('The sign-in was cancelled or did not succeed.');
      await failure.waitFor();
      expect(chat.page.url()).toBe(`${server.url}/identity`);
      await chat.page.getByRole('link', { name: 'Back to sign in' }).click();
      // As the provider returns after "Cancel": with the state of this attempt.
      const left = chat.page.waitForRequest((request) => request.url().startsWith(`${provider.issuer}/auth?`));
      await chat.page.getByRole('button', { name: 'Sign in with Example Shop' }).click();
      const state = new URL((await left).url()).searchParams.get('state')!;
      await chat.page.goto(`${server.url}/identity?error=access_denied&state=${state}`);
      await failure.waitFor();
      // The attempt is over.
      await chat.page.goto(`${server.url}/identity?code=late&state=${state}`);
      await failure.waitFor();
      expect(await server.count('users')).toBe(users);
    });

    test('the page may call the token endpoint, and nothing else', async () => {
      const read = async (url: string) =>
        (await fetch(url, { headers: { accept: 'text/html' } })).headers.get('content-security-policy');
      expect(await read(server.url)).toContain(`connect-src 'self' ${provider.issuer}/token;`);
      await using plain = await TestServer.start(provider.settings);
      expect(await read(plain.url)).toContain(`connect-src 'self';`);
    });
  });

  test('a guest who sets a forgotten password keeps the conversations', async () => {
    await using mails = await MailServer.start();
    await using server = await TestServer.start({ ...mails.settings, ...GUESTS });
    const jane = await server.user();
    await using chat = await startGuest(server);
    await chat.ask('What did I forget?');
    await chat.finished();
    await chat.page.locator('.guest-notice').getByRole('link', { name: 'Sign in' }).click();
    await chat.page.getByRole('link', { name: 'Forgot your password?' }).click();
    await chat.page.getByLabel('Email').fill(jane.email);
    await chat.page.getByRole('button', { name: 'Send me a link' }).click();
    const { token } = await mails.next();
    await chat.page.goto(`${server.url}/reset-password#token=${token}`);
    await chat.page.getByLabel('New password', { exact: true }).fill(`${PASSWORD} again`);
    await chat.page.getByRole('button', { name: 'Save and sign in' }).click();
    await chat.page.locator('.user', { hasText: jane.email }).waitFor();
    await chat.list.filter({ hasText: 'What did I forget?' }).waitFor();
  });
});
