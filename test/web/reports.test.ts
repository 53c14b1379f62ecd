import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { METADATA } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import { ChatPage } from './chat-page.js';

jest.setTimeout(180_000);

(BROWSER ? describe : describe.skip)('the reports of the web chat', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('add up conversations, tokens and accounts for administrators only', async () => {
    await using server = await TestServer.start();
    const [jane, ann] = [await server.user({ name: 'Jane' }), await server.user({ name: 'Ann' })];
    await server.em.nativeUpdate(User, { id: ann.id }, { role: Role.ADMIN });
    let saleStatus = '';
    server.provider.structured = (name) =>
      name === 'conversation_title' ? { title: 'A tent' } : { ...METADATA, saleStatus };
    for (saleStatus of ['CLOSED', 'LOST', 'INTERESTED']) {
      let conversationId: string | undefined;
      for (let i = 0; i < 3; i += 1)
        conversationId = (await jane.ask('A tent?', { stream: false, conversationId })).conversation.id;
      await server.settled();
    }

    await using chat = await ChatPage.open(browser, server.url, { path: '/sign-in' });
    const { page } = chat;
    await chat.signIn(ann.email);
    await page.locator('.user').click();
    await page.getByRole('menuitem', { name: 'Reports' }).click();
    await page.locator('.figures').waitFor();
    expect(await page.locator('.figure-label').allTextContents()).toEqual([
      'Conversations',
      'Win rate',
      'Unconfirmed prices',
      'Answers',
      'Tokens',
    ]);
    // Nine answers with 18 tokens, and three titles and three memory updates with 110 tokens.
    expect(await page.locator('.figure-value').allTextContents()).toEqual(['3', '50%', '0', '9', '822']);
    /** The names and the numbers of the bars in a section. */
    const readBars = async (section: string) =>
      await page.getByRole('region', { name: section, exact: true }).getByRole('row').allTextContents();
    expect((await readBars('By status')).filter((row) => !row.endsWith('0')).sort()).toEqual([
      'Closed1',
      'Interested1',
      'Lost1',
    ]);
    expect(await readBars('Interests')).toEqual(['tents3']);
    expect(await readBars('Offered products')).toEqual(['Fernlight3']);
    expect(await readBars('Rejected products')).toEqual(['Ridgeline3']);
    expect(await readBars('Tokens by user')).toEqual(['Jane822']);
    for (const [chart, sum] of [
      ['Each day', 3],
      ['Tokens each day', 822],
    ] as const) {
      const section = page.getByRole('region', { name: chart, exact: true });
      await section.getByRole('img', { name: chart, exact: true }).waitFor();
      await section.getByText('As a table').click();
      const numbers = await section.getByRole('cell').allTextContents();
      expect(numbers.reduce((total, number) => total + Number(number), 0)).toBe(sum);
    }
    for (const { email, role } of [
      { email: jane.email, role: 'User' },
      { email: ann.email, role: 'Administrator' },
    ])
      await page.locator('.accounts tr', { hasText: email }).filter({ hasText: role }).waitFor();
    const health = page.getByRole('region', { name: 'Health' });
    for (const text of ['Database', 'Ready']) await health.getByText(text, { exact: true }).first().waitFor();
    await page.getByRole('button', { name: '7 days' }).click();
    await page.locator('[aria-pressed=true]', { hasText: '7 days' }).waitFor();
    expect(chat.mistakes).toEqual([]);

    await using other = await ChatPage.open(browser, server.url, { path: '/sign-in' });
    await other.signIn(jane.email);
    await other.page.locator('.user').click();
    await other.page.getByRole('menuitem', { name: 'Account' }).waitFor();
    expect(await other.page.getByRole('menuitem', { name: 'Reports' }).count()).toBe(0);
    await other.page.goto(`${server.url}/reports`);
    await other.page.getByText('You are not allowed to do this.').first().waitFor();
    await other.page.locator('.section').waitFor({ state: 'detached' });
  });
});
