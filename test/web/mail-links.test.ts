import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { MeDocument, RequestEmailVerificationDocument } from '../../client/src/generated/graphql.js';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { MailServer } from '../kit/mail-server.js';
import { TestServer } from '../kit/server.js';
import { ChatPage } from './chat-page.js';

jest.setTimeout(180_000);

(BROWSER ? describe : describe.skip)('links in mails, in the web chat', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('set a forgotten password once, and leave no token in the address', async () => {
    await using mails = await MailServer.start();
    await using server = await TestServer.start(mails.settings);
    const jane = await server.user();
    await using chat = await ChatPage.open(browser, server.url, { path: '/sign-in' });
    await chat.page.getByRole('link', { name: 'Forgot your password?' }).click();
    const request = async (email: string) => {
      await chat.page.getByLabel('Email').fill(email);
      await chat.page.getByRole('button', { name: 'Send me a link' }).click();
      await chat.page.getByText('If there is an account with this email').waitFor();
    };
    await request('unknown@example.com');
    await request(jane.email);
    const { token, to } = await mails.next();
    expect(to).toEqual([jane.email]);

    const open = async (page: ChatPage) => {
      await page.page.getByLabel('New password', { exact: true }).fill('a wholly new passphrase');
      expect(page.page.url()).toBe(`${server.url}/reset-password`);
      await page.page.getByRole('button', { name: 'Save and sign in' }).click();
    };
    await chat.page.goto(`${server.url}/reset-password#token=${token}`);
    await open(chat);
    await chat.input.waitFor();

    await using again = await ChatPage.open(browser, server.url, { path: `/reset-password#token=${token}` });
    await open(again);
    await again.page.getByText('This link does not work any more.').waitFor();
    await again.page.getByRole('link', { name: 'Request a new link' }).click();
    await again.page.getByRole('button', { name: 'Send me a link' }).waitFor();
    for (const page of [chat, again]) expect(page.mistakes).toEqual([]);
  });

  test('verify an email once, without a session', async () => {
    await using mails = await MailServer.start();
    await using server = await TestServer.start(mails.settings);
    const jane = await server.user();
    await jane.request(RequestEmailVerificationDocument);
    const { token } = await mails.next();
    const path = `/verify-email#token=${token}`;
    for (const text of ['Your email is verified.', 'This link does not work any more.']) {
      await using chat = await ChatPage.open(browser, server.url, { path });
      await chat.page.getByRole('button', { name: 'Verify my email' }).click();
      await chat.page.getByText(text).waitFor();
      expect(chat.page.url()).toBe(`${server.url}/verify-email`);
      expect(chat.mistakes).toEqual([]);
    }
    expect((await jane.request(MeDocument)).me.emailVerified).toBe(true);
  });
});
