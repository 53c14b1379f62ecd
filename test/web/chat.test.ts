import { jest } from '@jest/globals';
import type { Browser, Request } from 'playwright-core';
import { ProductService } from '../../src/catalogue/product.service.js';
import { DEMO_PRODUCTS } from '../../src/demo/demo-products.js';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { FakeProvider, METADATA } from '../kit/fake-provider.js';
import { HeldTool } from '../kit/held-tool.js';
import { TestServer } from '../kit/server.js';
import { TcpProxy } from '../kit/tcp-proxy.js';
import { until } from '../kit/until.js';
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

  test('answers again, and shows the earlier answers, also after a reload', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    await chat.signUp();
    for (const text of ['The first answer', 'The second answer', 'The third answer']) {
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
    await chat.read('The third answer');
    await chat.page.getByRole('button', { name: 'Show the earlier answer' }).click();
    const dialog = chat.page.getByRole('dialog');
    await dialog.getByText('The second answer').waitFor();
    await dialog.getByRole('button', { name: 'Show the earlier answer' }).click();
    await dialog.getByText('The first answer').waitFor();
    expect(await dialog.getByRole('button', { name: 'Show the earlier answer' }).count()).toBe(0);
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

  test('renders Markdown while it grows, keeps what is there, reads it aloud by sentence, and copies it', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url);
    await chat.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await chat.signUp();
    const taken = server.provider.takeCall();
    await chat.ask('Tell me.');
    const call = await taken;
    let text = '';
    const write = async (delta: string, mark: string) => {
      call.delta(delta);
      text += delta;
      await chat.answers.locator(mark).waitFor();
      // Everything that was shown before is the same element.
      expect(await chat.page.evaluate('(globalThis.shown ?? []).every((it) => it.isConnected)')).toBe(true);
      await chat.page.evaluate(`void (globalThis.shown = [...document.querySelectorAll('.answer .markdown *')])`);
    };
    const spoken = chat.page.getByRole('log').locator('p');
    await write('# A heading\n\nThe **first** sentence. The sec', 'p:has-text("The sec")');
    await until(async () => (await spoken.allTextContents()).join('|') === 'A heading|The first sentence.');
    await write('ond one.\n\n| Name | Price |\n| --- | --- |\n| Tent | 289 |', 'td:has-text("289")');
    await write('\n\nThe area is $$x^2$$.', '.katex');
    await write('\n\n```js\nconst x = 1;\n```', '.hljs-keyword');
    await write('\n\nThe end.', 'p:has-text("The end.")');
    FakeProvider.done(call);
    await chat.finished();
    expect(await chat.page.evaluate('shown.every((it) => it.isConnected)')).toBe(true);
    await spoken.filter({ hasText: 'The end.' }).waitFor({ state: 'attached' });

    const paste = async (button: string) => {
      const copy = chat.page.getByRole('button', { name: button });
      await copy.click();
      await copy.getByText('Copied').waitFor();
      await chat.input.press('Control+V');
      const pasted = await chat.input.inputValue();
      await chat.input.fill('');
      return pasted;
    };
    expect(await paste('Copy answer')).toBe(text);
    // As in a page without TLS.
    await chat.page.evaluate('delete Navigator.prototype.clipboard');
    expect((await paste('Copy code')).trim()).toBe('const x = 1;');
    expect(chat.mistakes).toEqual([]);
  });

  test('shows what Parley remembers, and how many tokens the prompts took', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    let conversationId: string | undefined;
    for (let i = 0; i < 3; i += 1)
      conversationId = (await jane.ask('A tent?', { stream: false, conversationId })).conversation.id;
    await server.settled();
    await using chat = await ChatPage.open(browser, server.url, { path: '/sign-in' });
    await chat.signIn(jane.email);
    await chat.page.goto(`${server.url}/c/${conversationId}`);
    const panel = chat.page.getByRole('complementary', { name: 'What Parley remembers' });
    await panel.getByText('Two people, in May.').waitFor();
    expect((await panel.locator('.notes').innerText()).split(/\s*\n\s*/)).toEqual([
      ...['Status', 'Interested', 'Summary', 'Two people, in May.', 'Last intent', 'compare'],
      ...['Interests', 'tents', 'Offered', 'Fernlight', 'Rejected', 'Ridgeline'],
    ]);
    await panel.locator('.prompt-figure').getByText('11', { exact: true }).waitFor();

    server.provider.structured = () => ({ ...METADATA, saleStatus: 'CLOSED', rejectedProducts: [] });
    const taken = server.provider.takeCall();
    await chat.ask('I take the Fernlight.');
    const call = await taken;
    call.delta('It is yours.');
    call.finish('stop', { prompt_tokens: 4_321, completion_tokens: 1, total_tokens: 4_322 });
    await panel.getByText('4,321').waitFor();
    await panel.getByText('2 newer messages are not in the notes yet.').waitFor();
    for (let i = 0; i < 2; i += 1) await jane.ask('When does it arrive?', { stream: false, conversationId });
    await panel.getByText('Closed').waitFor();
    await panel.getByText('nothing yet').waitFor();
    await panel.getByText('not in the notes yet').waitFor({ state: 'detached' });

    await panel.getByRole('button', { name: 'Hide the notes' }).press('Enter');
    // The focus of the keyboard is not lost.
    await until(async () => (await chat.page.evaluate('document.activeElement.title')) === 'Show the notes');
    await chat.page.reload();
    await chat.page.getByRole('button', { name: 'Notes', exact: true }).click();
    await panel.getByText('Closed').waitFor();
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

  test('tells that it is offline, completes the answer afterwards, and sends what was asked meanwhile', async () => {
    await using server = await TestServer.start();
    await using proxy = await TcpProxy.start(server.url);
    await using chat = await ChatPage.open(browser, proxy.through(server.url).replace(/\/$/, ''));
    await chat.signUp();
    const goOffline = async () => {
      await chat.context.setOffline(true);
      await proxy.close();
      await chat.page.getByText('You are offline.').waitFor();
    };
    const goOnline = async () => {
      await proxy.open();
      await chat.context.setOffline(false);
      await chat.page.getByText('You are offline.').waitFor({ state: 'detached' });
    };
    const taken = server.provider.takeCall();
    await chat.ask('Are you there?');
    const call = await taken;
    call.delta('I am');
    await chat.read('I am');
    await goOffline();
    call.delta(' here.');
    await goOnline();
    await chat.read('I am here.');
    FakeProvider.done(call);
    await chat.finished();

    await goOffline();
    await chat.ask('And now?');
    await chat.page.locator('.question', { hasText: 'And now?' }).waitFor();
    await goOnline();
    await chat.read('You asked: And now?');
  });

  test('keeps two tabs signed in whose tokens expire in the middle of an answer', async () => {
    await using server = await TestServer.start({ JWT_EXPIRES_IN: '3s', REFRESH_REUSE_GRACE: '0s' });
    await using first = await ChatPage.open(browser, server.url);
    await first.signUp();
    let renewals = 0;
    first.context.on('response', (response) => {
      if (response.request().postData()?.includes('RefreshTokens') && response.ok()) renewals += 1;
    });
    const taken = server.provider.takeCall();
    await first.ask('Tell me.');
    const call = await taken;
    call.delta('Before, ');
    await first.read('Before,');
    await using second = await first.tab(new URL(first.page.url()).pathname);
    await second.read('Before,');
    await until(() => renewals >= 2);
    call.delta('and after.');
    for (const tab of [first, second]) await tab.read('Before, and after.');
    FakeProvider.done(call);
    for (const tab of [first, second]) await tab.finished();
    for (const tab of [first, second]) {
      const expected = renewals + 1;
      await until(() => renewals >= expected);
      await tab.ask(`Is tab ${tab === first ? 1 : 2} signed in?`);
      await tab.read(`You asked: Is tab ${tab === first ? 1 : 2} signed in?`);
    }
  });

  test('uses event streams where WebSockets are blocked, one for six tabs', async () => {
    await using server = await TestServer.start();
    await using first = await ChatPage.open(browser, server.url);
    await first.context.routeWebSocket('**/graphql', (socket) => socket.close());
    const streams = new Set<Request>();
    first.context.on('request', (request) => {
      if (request.headers()['accept'] === 'text/event-stream') streams.add(request);
    });
    for (const event of ['requestfinished', 'requestfailed'] as const)
      first.context.on(event as 'requestfinished', (request) => void streams.delete(request));
    await first.page.reload();
    await first.signUp();
    const taken = server.provider.takeCall();
    await first.ask('Tell me.');
    const call = await taken;
    call.delta('All tabs ');
    await first.read('All tabs');
    const tabs = [first];
    while (tabs.length < 6) tabs.push(await first.tab(new URL(first.page.url()).pathname));
    for (const tab of tabs) await tab.read('All tabs');
    call.delta('see this.');
    for (const tab of tabs) await tab.read('All tabs see this.');
    FakeProvider.done(call);
    for (const tab of tabs) await tab.finished();
    // A browser opens at most six connections to a server, so a stream for each tab would leave none for this.
    await tabs.at(-1)!.ask('And requests work?');
    for (const tab of tabs) await tab.read('You asked: And requests work?');
    for (const tab of tabs) await tab.page.locator('.connection p').waitFor({ state: 'detached' });
    expect(streams.size).toBe(1);
  });

  test('can be used on a phone', async () => {
    await using server = await TestServer.start();
    await using chat = await ChatPage.open(browser, server.url, { width: 375, height: 667, isPhone: true });
    const { page } = chat;
    const tap = (name: string) => page.getByRole('button', { name, exact: true }).tap();
    const fits = async () =>
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await fits();
    await chat.signUp();
    server.provider.answer = () => [
      '```\n',
      'wide '.repeat(100),
      '\n```\n\n| a | b |\n|---|---|\n',
      '| x '.repeat(2),
      '|',
    ];
    await chat.input.fill('The first line');
    // A keyboard on a screen has no Shift + Enter.
    await chat.input.press('Enter');
    await chat.input.pressSequentially('and the second');
    expect(await chat.answers.count()).toBe(0);
    await tap('Send');
    await chat.finished();
    await page.locator('.question', { hasText: 'The first line\nand the second' }).waitFor();
    await fits();
    await tap('Notes');
    await page.getByText('No notes yet.').waitFor();
    await fits();
    await tap('Hide the notes');
    await tap('Show conversations');
    await page.getByRole('link', { name: 'New conversation' }).tap();
    await page.getByText('What is on your mind?').waitFor();
    await tap('Show conversations');
    await chat.list.first().getByRole('link').tap();
    await chat.finished();
    // The list has closed itself.
    await page.locator('.side.open').waitFor({ state: 'detached' });
    expect(chat.mistakes).toEqual([]);
  });
});
