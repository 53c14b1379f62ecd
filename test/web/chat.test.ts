import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { ProductService } from '../../src/catalogue/product.service.js';
import { DEMO_PRODUCTS } from '../../src/demo/demo-products.js';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { HeldTool } from '../kit/held-tool.js';
import { TestServer } from '../kit/server.js';
import { ChatPage } from './chat-page.js';

if (!BROWSER)
  console.warn('Left out: the web chat in a browser. Install Chromium (Debian: apt-get install chromium) to run it.');

jest.setTimeout(180_000);

/** The demo model answers. */
const DEMO = { OPENAI_BASE_URL: '' };

(BROWSER ? describe : describe.skip)('the web chat', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('shows an answer while it is written, and lists its conversation', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp('Jane Doe');
    await chat.page.getByText('What is on your mind, Jane?').waitFor();
    const taken = server.provider.takeCall();
    await chat.ask('Is it raining?');
    const call = await taken;
    let text = '';
    for (const token of ['Each ', '**token** ', 'is seen ', 'on its own.']) {
      // Send the next token only when this one is shown.
      call.delta(token);
      text += token;
      await chat.read(text.replaceAll('*', '').trim());
    }
    FakeProvider.done(call);
    await chat.finished();
    expect(await chat.answers.locator('strong').textContent()).toBe('token');
    await chat.list.filter({ hasText: 'Each token is seen on its own.' }).waitFor();
    expect(chat.page.url()).toContain('/c/');
    expect(chat.mistakes).toEqual([]);
  });

  test('shows look-ups while they run, products as cards, and which prices nothing confirms', async () => {
    await using tool = await HeldTool.start();
    await using server = await TestServer.start(tool.settings);
    await new ProductService().import(server.em, DEMO_PRODUCTS);
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    const taken = server.provider.takeCall();
    await chat.ask('A tent?');
    const first = await taken;
    const second = server.provider.takeCall();
    first.toolCall('stock', { sku: 'DEMO-2' });
    first.toolCall('unknown', {});
    first.finish('tool_calls', null);
    await chat.read('Looking up stock …');
    await chat.read('Could not look up unknown');
    await chat.page.getByRole('log').filter({ hasText: 'Looking up stock …' }).waitFor({ state: 'attached' });
    tool.release();
    await chat.read('Looked up stock');
    const call = await second;
    call.delta('Our **tent**.\n\n[[product:DEMO-2]]\n\n');
    const card = chat.answers.getByRole('complementary', { name: 'Product: Fernlight two-person tent' });
    // While the answer is written.
    await card.getByText('€289.00').waitFor();
    await card.getByText('Available', { exact: true }).waitFor();
    call.delta('Only today: 199 €.');
    FakeProvider.done(call);
    await chat.finished();
    await chat.read('the catalogue does not confirm 199 €');
    const parts = await chat.answers.locator('.markdown').innerText();
    expect(parts.split(/\s*\n\s*/)).toEqual([
      'Our tent.',
      ...['Fernlight two-person tent', '€289.00', 'Available'],
      'Only today: 199 €.',
    ]);
    expect(await chat.answers.getByRole('list', { name: 'Look-ups' }).count()).toBe(0);
    expect(chat.mistakes).toEqual([]);
  });

  test('stops an answer, keeps its text, and lets it go on', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    let taken = server.provider.takeCall();
    await chat.ask('Tell me more.');
    (await taken).delta('The beginning');
    await chat.read('The beginning');
    await chat.page.getByRole('button', { name: 'Stop the answer' }).click();
    await chat.read('You stopped this answer.');
    taken = server.provider.takeCall();
    await chat.page.getByRole('button', { name: 'Continue' }).click();
    const call = await taken;
    call.delta(' and the end');
    FakeProvider.done(call);
    await chat.read('The beginning and the end');
    await chat.finished();
    expect(await chat.answers.count()).toBe(1);
    expect(await chat.answers.getByText('You stopped').count()).toBe(0);
  });

  test('answers again, and shows the earlier answer, also after a reload', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    for (const text of ['The first answer', 'The second answer']) {
      const taken = server.provider.takeCall();
      if (text.includes('first')) await chat.ask('Tell me.');
      else await chat.page.getByRole('button', { name: 'Answer again' }).click();
      const call = await taken;
      call.delta(text);
      FakeProvider.done(call);
      await chat.read(text);
      await chat.finished();
    }
    expect(await chat.answers.count()).toBe(1);
    await chat.page.reload();
    await chat.read('The second answer');
    await chat.page.getByRole('button', { name: 'Show the earlier answer' }).click();
    await chat.page.getByRole('dialog').getByText('The first answer').waitFor();
    await chat.page.keyboard.press('Escape');
    await chat.page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('explains a failed answer, and tries again', async () => {
    await using server = await TestServer.start(DEMO);
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    await chat.ask('/fail');
    await chat.read('The model could not be reached, or its connection broke.');
    await chat.read('This answer breaks off in the middle of');
    await chat.page.getByRole('button', { name: 'Try again' }).click();
    await chat.page.getByRole('button', { name: 'Show the earlier answer' }).waitFor();
    await chat.ask('/fail PROVIDER_QUOTA_EXCEEDED');
    await chat.read('has no credit left');
  });

  test('folds what the model thinks', async () => {
    await using server = await TestServer.start(DEMO);
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    await chat.ask('/think');
    await chat.read('this is the answer');
    await chat.finished();
    const thought = chat.page.getByText('The user wants to see reasoning.');
    expect(await thought.isVisible()).toBe(false);
    await chat.page.getByText('Thoughts').click();
    await thought.waitFor();
  });

  test('goes on with an answer after a reload', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    const taken = server.provider.takeCall();
    await chat.ask('Tell me.');
    const call = await taken;
    call.delta('Before the reload');
    await chat.read('Before the reload');
    await chat.input.fill('My next question');
    await chat.page.reload();
    await chat.read('Before the reload');
    call.delta(', and after it.');
    await chat.read('Before the reload, and after it.');
    FakeProvider.done(call);
    await chat.finished();
    // What was being written is kept, too.
    expect(await chat.input.inputValue()).toBe('My next question');
  });

  test('keeps two tabs in step', async () => {
    await using server = await TestServer.start();
    await using first = await ChatPage.open(browser, server.url);
    await first.signUp();
    const taken = server.provider.takeCall();
    await first.ask('Tell me.');
    const call = await taken;
    call.delta('Both tabs ');
    await first.read('Both tabs');
    await using second = await first.tab(new URL(first.page.url()).pathname);
    await second.read('Both tabs');
    call.delta('see this.');
    for (const tab of [first, second]) await tab.read('Both tabs see this.');
    FakeProvider.done(call);
    await second.finished();
    await second.ask('And from the other one?');
    await first.page.locator('.question', { hasText: 'And from the other one?' }).waitFor();
    await first.finished();
    await first.page.locator('.user').click();
    await first.page.getByRole('menuitem', { name: 'Sign out' }).click();
    for (const tab of [first, second]) await tab.page.getByLabel('Email').waitFor();
  });

  test('shows no HTML, images and scripts of an answer', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    const taken = server.provider.takeCall();
    await chat.ask('Tell me.');
    const call = await taken;
    call.delta(
      '<img src=x onerror="document.title=1"> <script>document.title = 1</script>\n\n[link](javascript:alert(1)) ' +
        '![a cat](https://tracker.example/cat.png)\n\n```js\nconst x = 1;\n```\n\n$$x^2$$\n\nThe end',
    );
    FakeProvider.done(call);
    await chat.read('The end');
    await chat.answers.locator('.hljs-keyword').waitFor();
    await chat.answers.locator('.katex').waitFor();
    expect(await chat.answers.locator('img, script').count()).toBe(0);
    expect(await chat.answers.getByText('link', { exact: true }).getAttribute('href')).toBeFalsy();
    await chat.answers.getByRole('link', { name: 'Image: a cat' }).waitFor();
    expect(chat.mistakes).toEqual([]);
  });

  test('counts down after too many questions, and keeps the question', async () => {
    await using server = await TestServer.start({ RATE_LIMIT_ASK: '1/1m' });
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    await chat.ask('The first question');
    await chat.finished();
    await chat.ask('The second question');
    const notice = chat.page.getByRole('alert');
    await notice.filter({ hasText: /Too many requests.*Try again in \d+ seconds/ }).waitFor();
    await chat.page.locator('.question', { hasText: 'The second question' }).waitFor();
    await chat.page.getByRole('button', { name: 'Edit' }).click();
    expect(await chat.input.inputValue()).toBe('The second question');
  });

  test('tells that it is offline, and goes on afterwards', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    await chat.context.setOffline(true);
    await chat.page.getByText('You are offline.').waitFor();
    await chat.context.setOffline(false);
    await chat.page.getByText('You are offline.').waitFor({ state: 'detached' });
    await chat.ask('Are you there?');
    await chat.finished();
  });
});
