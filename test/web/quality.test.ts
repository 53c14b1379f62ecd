import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { RenameConversationDocument } from '../../client/src/generated/graphql.js';
import { de } from '../../web/src/i18n/de.js';
import { en } from '../../web/src/i18n/en.js';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { BUILD } from '../kit/build.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { ChatPage } from './chat-page.js';

jest.setTimeout(180_000);

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RUN_AXE = `axe.run().then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')))`;

const MAX_FIRST_LOAD_BYTES = 150_000;

/** Returns what axe finds on the page. */
async function findViolations({ page }: ChatPage): Promise<string[]> {
  await page.evaluate(AXE);
  return await page.evaluate<string[]>(RUN_AXE);
}

(BROWSER ? describe : describe.skip)('the web chat', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  describe('is accessible', () => {
    let server: TestServer;
    let jane: Awaited<ReturnType<TestServer['user']>>;
    let conversationId: string | undefined;
    beforeAll(async () => {
      server = await TestServer.start({ OPENAI_BASE_URL: '' });
      jane = await server.user({ name: 'Jane' });
      await server.em.nativeUpdate(User, { id: jane.id }, { role: Role.ADMIN });
      for (const question of ['I am looking for a tent', '/markdown', '/think', '/fail'])
        conversationId = (await jane.ask(question, { stream: false, conversationId })).conversation.id;
      await server.settled();
      const title = 'A tent for two people and all that they need in the hills. '.repeat(2).trim();
      await jane.request(RenameConversationDocument, { input: { id: conversationId!, title } });
    });
    afterAll(() => server[Symbol.asyncDispose]());

    test.each([
      ['light', 1280, 'en-US'],
      ['dark', 375, 'de-DE'],
    ] as const)('on all pages in %s colors, %i pixels wide, in %s', async (colorScheme, width, locale) => {
      const t = locale === 'de-DE' ? de : en;
      const isPhone = width < 500;
      await using chat = await ChatPage.open(browser, server.url, { path: '/sign-in', width, locale });
      const { page } = chat;
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const found: Record<string, string[]> = {};
      /** Checks what is shown now, and that nothing is wider than the screen. */
      const check = async (name: string) => {
        found[name] = await findViolations(chat);
        if (!(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))) found[name].push('too wide');
      };
      const button = (name: string) => page.getByRole('button', { name, exact: true });
      await page.getByLabel(t.email).fill(jane.email);
      await check('sign-in');
      await page.getByLabel(t.password, { exact: true }).fill('correct horse battery staple');
      await button(t.signIn).click();
      await page.locator('.greeting').waitFor();
      for (const [path, mark] of [
        ['/', '.suggestions'],
        [`/c/${conversationId}`, '.answer .notice'],
        ['/account', '.rows .tag'],
        ['/reports', '.section:has(.accounts td) ~ .section .health dd'],
      ] as const) {
        await page.goto(server.url + path);
        await page.locator(mark).first().waitFor();
        // The rows of the list are hidden until they are measured; axe must not look in between.
        if (!isPhone) await page.locator('.conversation-title').first().waitFor();
        await check(path);
      }
      await page.getByText(t.showTable).first().click();
      await check('a table of the reports');
      await page.goto(`${server.url}/c/${conversationId}`);
      await page.locator('.answer .notice').first().waitFor();
      if (isPhone) {
        await button(t.memory).click();
        await page.locator('.notes').waitFor();
        await check('the notes');
        await button(t.hideMemory).click();
        await button(t.openList).click();
        await page.locator('.conversation-title').first().waitFor();
        await check('the list');
      }
      await chat.list.first().getByRole('button').click();
      await page.getByRole('menuitem', { name: t.delete }).waitFor();
      await check('a menu');
      await page.getByRole('menuitem', { name: t.delete }).click();
      await page.getByRole('dialog').waitFor();
      await check('a dialog');
      await page.keyboard.press('Escape');
      await page.locator('.user').click();
      await page.getByRole('menuitem', { name: t.signOut }).waitFor();
      await check('the menu of the user');
      expect(Object.entries(found).filter(([, violations]) => violations.length > 0)).toEqual([]);
      expect(chat.mistakes).toEqual([]);
    });
  });

  test('can be used with the keyboard alone', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    await using chat = await ChatPage.open(browser, server.url, { path: '/sign-in' });
    const { keyboard } = chat.page;
    const press = async (...keys: string[]) => {
      for (const key of keys) await keyboard.press(key);
    };
    await chat.page.getByLabel('Email').focus();
    await keyboard.type(jane.email);
    await press('Tab');
    await keyboard.type('correct horse battery staple');
    await press('Enter');
    await chat.input.waitFor();
    await until(async () => await chat.input.evaluate('document.activeElement.tagName === "TEXTAREA"'));
    await keyboard.type('Is it raining?');
    await press('Enter');
    await chat.finished();
    await chat.list.first().waitFor();
    await chat.list.first().getByRole('button').focus();
    await press('Enter');
    await chat.page.getByRole('menuitem', { name: 'Rename' }).waitFor();
    await press('Enter');
    await chat.page.getByRole('dialog').waitFor();
    await press('Control+A');
    await keyboard.type('Rain');
    await press('Enter');
    await chat.list.filter({ hasText: 'Rain' }).waitFor();
  });

  test('keeps the chosen colors and language, and moves only for those who like it', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    const { page } = chat;
    await chat.signUp();
    const readBackground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await readBackground();
    await page.locator('.user').click();
    await page.getByRole('menuitemradio', { name: 'Dark' }).click();
    await until(async () => (await readBackground()) !== light);
    const dark = await readBackground();
    await page.getByRole('menuitemradio', { name: 'Deutsch' }).click();
    await page.getByRole('menuitem', { name: 'Abmelden' }).waitFor();
    await page.reload();
    await page.getByPlaceholder('Frag etwas').waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('de');
    expect(await readBackground()).toBe(dark);

    const taken = server.provider.takeCall();
    await page.getByRole('textbox').last().fill('Bewegt sich etwas?');
    await page.keyboard.press('Enter');
    const call = await taken;
    await page.locator('.waiting').waitFor();
    // The browser is asked for reduced motion.
    await until(async () => (await page.evaluate('document.getAnimations().length')) === 0);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    await until(async () => (await page.evaluate<number>('document.getAnimations().length')) > 0);
    FakeProvider.done(call);
  });

  test('explains mistakes in the forms beside the fields', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    await using chat = await ChatPage.open(browser, server.url);
    const { page } = chat;
    const submit = () => page.getByRole('button', { name: 'Create account' }).click();
    await page.getByLabel('Email').fill('jane');
    await page.getByLabel('Password', { exact: true }).fill('short');
    await submit();
    await page.getByText('Must be a valid email address').waitFor();
    await page.locator('.mistake').nth(1).waitFor();
    expect(await page.getByLabel('Email').getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Email').fill(jane.email);
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery staple');
    await submit();
    await page.getByText('There is an account with this email.').waitFor();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('Password', { exact: true }).fill('wrong horse battery');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').filter({ hasText: 'The email or the password is not correct.' }).waitFor();

    await using german = await ChatPage.open(browser, server.url, { locale: 'de-DE' });
    await german.page.getByLabel('E-Mail').fill('jane');
    await german.page.getByRole('button', { name: 'Konto anlegen' }).click();
    await german.page.getByText('keine gültige E-Mail-Adresse').waitFor();
    await german.page.getByText('Wähle ein Passwort').waitFor();
  });

  test('lets users take their data along, change their password and delete their account', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    const { page } = chat;
    const email = await chat.signUp('Jane');
    await page.goto(`${server.url}/account`);
    await page.getByLabel('Name').fill('Jane Roe');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await page.locator('.user', { hasText: 'Jane Roe' }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download my data' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toContain(email);
    await page.getByLabel('Current password').fill('wrong');
    await page.getByLabel('New password').fill('another good password');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('Incorrect password.').waitFor();
    await page.getByLabel('Current password').fill('correct horse battery staple');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('The password is changed.').waitFor();
    await page.getByRole('button', { name: 'Delete account' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Password', { exact: true }).fill('another good password');
    await dialog.getByRole('button', { name: 'Delete account' }).click();
    await page.getByLabel('Email').waitFor();
    expect(await server.count('users')).toBe(0);
  });

  test(`loads at most ${MAX_FIRST_LOAD_BYTES / 1000} kB at first, compressed with gzip, without the fonts`, async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    const loaded = new Set<string>();
    chat.page.on('response', (response) => loaded.add(new URL(response.url()).pathname));
    await chat.page.reload({ waitUntil: 'networkidle' });
    const sizes = [...loaded]
      .filter((path) => !path.endsWith('.woff2'))
      .map((path): [string, number] => {
        const file = join(BUILD, 'web', path === '/' ? 'index.html' : path);
        if (path === '/') return [path, gzipSync(readFileSync(file)).length];
        return [path, statSync(existsSync(`${file}.gz`) ? `${file}.gz` : file).size];
      });
    expect(sizes.length).toBeGreaterThan(3);
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    // The message names the files.
    expect(total > MAX_FIRST_LOAD_BYTES ? sizes : []).toEqual([]);
  });
});
