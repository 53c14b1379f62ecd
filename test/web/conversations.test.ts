import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { findFreePort } from '../kit/free-port.js';
import { Instance } from '../kit/instance.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { ChatPage } from './chat-page.js';

jest.setTimeout(180_000);

// These run in the browser. They are texts, because the tests are compiled without the types of a browser.
const LIST = `document.querySelector('.conversations')`;
const MESSAGES = `document.querySelector('.messages')`;
const SCROLL_TO_END = `${LIST}.scrollTo(0, ${LIST}.scrollHeight)`;
const DISTANCE_TO_END = `${MESSAGES}.scrollHeight - ${MESSAGES}.clientHeight - ${MESSAGES}.scrollTop`;
const FIRST_VISIBLE = `(() => {
  const top = ${MESSAGES}.getBoundingClientRect().top + 60;
  const first = [...${MESSAGES}.querySelectorAll('.message')].find((it) => it.getBoundingClientRect().bottom > top);
  return { id: first.dataset.id, y: first.getBoundingClientRect().top };
})()`;
const positionOf = (id: string) =>
  `${MESSAGES}.querySelector('[data-id="${id}"]')?.getBoundingClientRect().top ?? null`;
/** Of the window that ChatPage opens. */
const VIEWPORT_HEIGHT = 800;
const NEXT_FRAMES = 'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))';

(BROWSER ? describe : describe.skip)('conversations in the web chat', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  const openAs = async (server: TestServer, email: string, path = '/') => {
    const chat = await ChatPage.open(browser, server.url, { path: '/sign-in' });
    await chat.signIn(email);
    if (path !== '/') await chat.page.goto(server.url + path);
    return chat;
  };

  test('are found, renamed and deleted, also in another tab', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    for (const question of ['Where are the mountains?', 'How deep is the sea?'])
      await jane.ask(question, { stream: false });
    await server.settled();
    await using chat = await openAs(server, jane.email);
    await until(async () => (await chat.list.count()) === 2);
    await chat.page.getByRole('searchbox').fill('mountains');
    await until(async () => (await chat.list.count()) === 1);
    await chat.page.getByRole('searchbox').fill('volcano');
    await chat.page.getByText('Nothing found for “volcano”.').waitFor();
    await chat.page.getByRole('searchbox').press('Escape');
    await until(async () => (await chat.list.count()) === 2);

    await chat.list.first().getByRole('link').click();
    await chat.read('sea');
    await using other = await chat.tab(new URL(chat.page.url()).pathname);
    await other.read('sea');
    await chat.list.first().getByRole('button').click();
    await chat.page.getByRole('menuitem', { name: 'Rename' }).click();
    await chat.page.getByLabel('Title', { exact: true }).fill('The deep blue');
    await chat.page.keyboard.press('Enter');
    for (const tab of [chat, other]) {
      await tab.list.filter({ hasText: 'The deep blue' }).waitFor();
      await tab.page.getByRole('heading', { name: 'The deep blue' }).waitFor();
    }

    await chat.list.filter({ hasText: 'The deep blue' }).getByRole('button').click();
    await chat.page.getByRole('menuitem', { name: 'Delete' }).click();
    await chat.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await chat.page.getByText('What is on your mind?').waitFor();
    await other.page.getByText('This conversation does not exist any more.').waitFor();
    for (const tab of [chat, other]) expect(await tab.list.count()).toBe(1);
    expect(chat.mistakes).toEqual([]);
  });

  test('are loaded again after a failure', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const { conversation } = await jane.ask('How deep is the sea?', { stream: false });
    await server.settled();
    await using chat = await openAs(server, jane.email);
    const { context, page } = chat;
    // A connection would make the chat read again by itself.
    await context.routeWebSocket('**/graphql', () => {});
    await context.route('**/graphql', (route) =>
      /query Conversations?\b/.test(route.request().postData() ?? '') ? route.abort() : route.continue(),
    );
    await page.goto(`${server.url}/c/${conversation.id}`);
    const [talk, side] = [page.locator('.talk'), page.locator('.side')];
    for (const part of [talk, side]) await part.getByText('The server cannot be reached.').waitFor();
    expect(await page.getByText(/This is the beginning|will be listed here/).count()).toBe(0);
    await context.unroute('**/graphql');
    for (const part of [talk, side]) await part.getByRole('button', { name: 'Try again' }).click();
    await chat.read('You asked: How deep is the sea?');
    await chat.list.first().waitFor();
  });

  test('are loaded as the list is scrolled', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    // A page has 30.
    for (let i = 0; i < 36; i += 1) await jane.ask(`number ${i}.`, { stream: false });
    await server.settled();
    await using chat = await openAs(server, jane.email);
    await chat.list.filter({ hasText: 'number 35.' }).waitFor();
    await until(async () => {
      await chat.page.evaluate(SCROLL_TO_END);
      return await chat.list.filter({ hasText: 'number 0.' }).isVisible();
    });
  });

  test('keep their place while earlier messages are loaded', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    let conversationId: string | undefined;
    // More than two pages of 30 messages.
    for (let i = 0; i < 32; i += 1)
      conversationId = (await jane.ask(`Question number ${i}. `.repeat(20), { stream: false, conversationId }))
        .conversation.id;
    await server.settled();
    await using chat = await openAs(server, jane.email, `/c/${conversationId}`);
    await chat.page.locator('.question', { hasText: 'number 31.' }).waitFor();
    await until(async () => (await chat.page.evaluate<number>(DISTANCE_TO_END)) < 48);
    // Scroll as a reader does, until the earliest page was loaded.
    await chat.page.locator('.messages').hover();
    const lost: string[] = [];
    await until(async () => {
      const seen = await chat.page.evaluate<{ id: string; y: number }>(FIRST_VISIBLE);
      await chat.page.mouse.wheel(0, -300);
      await chat.page.evaluate(NEXT_FRAMES);
      const y = await chat.page.evaluate<number | null>(positionOf(seen.id));
      // The message that was at the top is lower now, and still in view.
      if (y === null || y > VIEWPORT_HEIGHT) lost.push(`${seen.y} → ${y}`);
      return await chat.page.getByText('This is the beginning of the conversation.').isVisible();
    }, 60_000);
    await until(async () => {
      await chat.page.mouse.wheel(0, -600);
      return await chat.page.locator('.question', { hasText: 'number 0.' }).isVisible();
    });
    // One turn of the wheel may meet messages that are being measured. Without an anchor, each page that is loaded loses it.
    expect(lost.slice(1)).toEqual([]);
    await chat.page.getByRole('button', { name: 'Go to the newest message' }).click();
    await chat.page.locator('.question', { hasText: 'number 31.' }).waitFor();
  });

  test('survive a server that is killed in the middle of an answer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-web-'));
    await using provider = await FakeProvider.start();
    const settings = {
      DATABASE_URL: `sqlite:${join(folder, 'parley.db')}`,
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_MAX_RETRIES: '0',
      PORT: String(await findFreePort()),
    };
    let server = new Instance(folder, settings);
    try {
      await server.started;
      await using chat = await ChatPage.open(browser, server.url);
      await chat.signUp();
      const taken = provider.takeCall();
      await chat.ask('Tell me.');
      (await taken).delta('The part that was written. ');
      await chat.read('The part that was written.');
      await server.kill();
      await chat.page.getByText('The connection is lost.').waitFor();
      server = new Instance(folder, settings);
      await server.started;
      await chat.read('The server was restarted while it wrote this answer.');
      await chat.page.getByText('The connection is lost.').waitFor({ state: 'detached' });
      await chat.ask('And now?');
      await chat.page.locator('.question', { hasText: 'And now?' }).waitFor();
      await chat.finished();
    } finally {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
