import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { Browser, Locator, Page } from 'playwright-core';
import {
  ConversationsDocument,
  DeleteConversationDocument,
  LoginDocument,
  RenameConversationDocument,
} from '../../client/src/generated/graphql.js';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { runCommand } from '../kit/command.js';
import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { findFreePort } from '../kit/free-port.js';
import { FrontEnd } from '../kit/front-end.js';
import { HeldTool } from '../kit/held-tool.js';
import { Instance } from '../kit/instance.js';
import { PASSWORD } from '../kit/server.js';
import { until } from '../kit/until.js';
import { ApiClient } from '../kit/user.js';

jest.setTimeout(180_000);

const EXAMPLES = ['apollo', 'urql'];
const PHONE = { width: 390, height: 844 };

// These run in the browser. They are texts, because the tests are compiled without the types of a browser.
const SCROLL_LIST_TO_END = `document.querySelector('.conversations').scrollTo(0, 1e6)`;
const SCROLL_MESSAGES_TO_BEGINNING = `document.querySelector('.messages').scrollTo(0, -1e6)`;
const IS_WITHIN_WIDTH = `document.documentElement.scrollWidth <= innerWidth`;

/** An example in a browser without stored data, and its user. */
class ExamplePage implements AsyncDisposable {
  readonly email = `person-${randomUUID()}@example.com`;

  constructor(
    readonly page: Page,
    readonly url: string,
  ) {}

  async signUp(email = this.email, password = PASSWORD): Promise<void> {
    await this.page.getByLabel('Email').fill(email);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Create account' }).click();
  }

  /** Another tab of the same browser. */
  async tab(): Promise<ExamplePage> {
    const page = await this.page.context().newPage();
    await page.goto(this.page.url());
    return new ExamplePage(page, this.url);
  }

  /** Another device of the user. */
  async device(): Promise<ApiClient> {
    await using anyone = new ApiClient(this.url);
    const { login } = await anyone.request(LoginDocument, { input: { email: this.email, password: PASSWORD } });
    return new ApiClient(this.url, login.accessToken);
  }

  async ask(question: string): Promise<void> {
    await this.page.getByLabel('Your message').fill(question);
    await this.page.getByRole('button', { name: 'Ask', exact: true }).click();
  }

  click(button: string): Promise<void> {
    return this.page.getByRole('button', { name: button, exact: true }).click();
  }

  get answers() {
    return this.page.locator('.assistant');
  }

  /** Waits until the newest answer is this text, and is generated or not. */
  async reads(text: string, isBusy: boolean): Promise<void> {
    const answer = this.page.locator(`.assistant[aria-busy=${isBusy}]`).last();
    await answer.getByText(text, { exact: true }).waitFor();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

(BROWSER ? describe : describe.skip)('the examples', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-examples-'));
  let browser: Browser;
  let frontEnds: Record<string, FrontEnd>;
  let provider: FakeProvider;
  let tool: HeldTool;
  let settings: Record<string, string>;
  let server: Instance;
  /** Its access tokens expire soon, and a refresh token that is used twice ends the session. */
  let strictServer: Instance;

  beforeAll(async () => {
    [provider, tool] = await Promise.all([FakeProvider.start(), HeldTool.start()]);
    settings = {
      ...tool.settings,
      DATABASE_URL: `sqlite:${join(folder, 'parley.db')}`,
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_MAX_RETRIES: '0',
      PORT: String(await findFreePort()),
      RATE_LIMIT_ASK: 'off',
      RATE_LIMIT_AUTH: 'off',
      RATE_LIMIT_REGISTER: 'off',
    };
    server = new Instance(folder, settings);
    strictServer = new Instance(folder, {
      ...settings,
      DATABASE_URL: `sqlite:${join(folder, 'strict.db')}`,
      JWT_EXPIRES_IN: '3s',
      PORT: '0',
      REFRESH_REUSE_GRACE: '0s',
    });
    const building = EXAMPLES.map(async (name) => [name, await FrontEnd.build(`examples/${name}`)] as const);
    [browser, frontEnds] = await Promise.all([
      launchBrowser(),
      Promise.all(building).then((built) => Object.fromEntries(built)),
      server.started,
      strictServer.started,
    ]);
    await runCommand('catalogue.js', ['demo'], settings);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([server?.kill(), strictServer?.kill()]);
    for (const it of [provider, tool, ...Object.values(frontEnds ?? {})]) await it?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs an action, and returns the request for an answer that it leads to. */
  async function take(action: Promise<void>): Promise<Call> {
    const taken = provider.takeCall();
    await action;
    return await taken;
  }

  describe.each(EXAMPLES)('%s', (name) => {
    async function open({ url } = server): Promise<ExamplePage> {
      return new ExamplePage(await frontEnds[name]!.open(browser, url), url);
    }

    test('explains why an account cannot be created, and creates it after that', async () => {
      await using chat = await open();
      const explains = (text: RegExp) => chat.page.getByRole('alert').getByText(text).waitFor();
      await chat.signUp('not an address');
      await explains(/email/i);
      await chat.signUp(chat.email, 'password');
      await explains(/password/i);
      await chat.signUp();
      await chat.page.getByLabel('Your message').waitFor();
      await chat.click('Sign out');
      await chat.signUp();
      await explains(/already exists/);
    });

    test('shows look-ups that run, products of the catalogue, and prices that nothing confirms', async () => {
      tool.hold();
      await using chat = await open();
      await chat.signUp();
      const first = await take(chat.ask('A tent?'));
      const second = provider.takeCall();
      first.toolCall('stock', { sku: 'DEMO-2' });
      first.finish('tool_calls', null);
      const lookUp = chat.page.getByText('Looking up: stock');
      await lookUp.waitFor();
      tool.release();
      const call = await second;
      await lookUp.waitFor({ state: 'detached' });
      call.delta('Our tent.\n\n[[product:DEMO-2]]\n\nOnly today: ');
      const growing = chat.page.locator('article', { has: chat.page.locator('[aria-busy=true]') });
      await growing.locator('.product').getByText('Fernlight two-person tent 289.00 EUR Available').waitFor();
      call.delta('199 €.');
      FakeProvider.done(call);
      await chat.page.getByText('Not confirmed: 199 €').waitFor();
      expect(await chat.answers.innerText()).not.toContain('DEMO-2');
    });

    test('shows an answer while it is generated, stops it, and answers again', async () => {
      await using chat = await open();
      await chat.signUp();
      const call = await take(chat.ask('Tell me.'));
      let text = '';
      for (const token of ['Each', ' token', ' is seen']) {
        call.delta(token);
        text += token;
        await chat.reads(text, true);
      }
      await chat.click('Stop');
      await chat.reads('Each token is seen', false);
      const again = await take(chat.click('Answer again'));
      again.delta('Another answer');
      FakeProvider.done(again);
      await chat.reads('Another answer', false);
      expect(await chat.answers.count()).toBe(1);
      await chat.page.locator('.conversation').waitFor();
      const next = await take(chat.ask('And now?'));
      next.delta('The next');
      FakeProvider.done(next);
      await chat.reads('The next', false);
      expect(await chat.answers.count()).toBe(2);
    });

    test('explains a failed answer, and answers again', async () => {
      await using chat = await open();
      await chat.signUp();
      const call = await take(chat.ask('Tell me.'));
      call.delta('The beginning');
      await chat.reads('The beginning', true);
      call.breakOff();
      await chat.answers.locator('em').waitFor();
      const again = await take(chat.click('Answer again'));
      again.delta('All of it');
      FakeProvider.done(again);
      await chat.reads('All of it', false);
      expect(await chat.page.locator('em').count()).toBe(0);
    });

    test('goes on with an answer after a reload, in two tabs, and offline and online', async () => {
      await using chat = await open();
      await chat.signUp();
      const call = await take(chat.ask('Tell me.'));
      call.delta('Before');
      await chat.reads('Before', true);
      await chat.page.reload();
      await chat.reads('Before', true);
      const other = await chat.tab();
      await other.reads('Before', true);
      call.delta(', after');
      for (const tab of [chat, other]) await tab.reads('Before, after', true);
      await chat.page.context().setOffline(true);
      call.delta(', offline');
      await chat.page.context().setOffline(false);
      call.delta(' and online');
      FakeProvider.done(call);
      for (const tab of [chat, other]) await tab.reads('Before, after, offline and online', false);
    });

    test('follows what other devices do', async () => {
      await using chat = await open();
      await chat.signUp();
      await chat.page.getByLabel('Your message').waitFor();
      await using device = await chat.device();
      const { conversation } = await device.ask('From elsewhere', { stream: false });
      const row = chat.page.locator('.conversation');
      await row.click();
      await chat.reads('You asked: From elsewhere', false);
      const { id } = conversation;
      await device.ask('And once more', { conversationId: id });
      await chat.reads('You asked: And once more', false);
      await device.request(RenameConversationDocument, { input: { id, title: 'A new title' } });
      await row.getByText('A new title').waitFor();
      await device.request(DeleteConversationDocument, { input: { id } });
      await chat.page.getByText('This conversation was deleted.').waitFor();
      await row.waitFor({ state: 'detached' });
      expect((await device.request(ConversationsDocument)).conversations.edges).toEqual([]);
    });

    test('survives a server that is killed in the middle of an answer', async () => {
      await using chat = await open();
      await chat.signUp();
      (await take(chat.ask('Tell me.'))).delta('The beginning');
      await chat.reads('The beginning', true);
      await server.kill();
      server = new Instance(folder, settings);
      await server.started;
      await chat.page.locator('.assistant[aria-busy=false] em').waitFor();
    });

    test('stays signed in while tokens expire, in two tabs', async () => {
      await using chat = await open(strictServer);
      let renewals = 0;
      chat.page.context().on('request', (request) => {
        if (request.postData()?.includes('mutation RefreshTokens')) renewals += 1;
      });
      await chat.signUp();
      const call = await take(chat.ask('Tell me.'));
      let text = 'Before';
      call.delta(text);
      await chat.reads(text, true);
      const tabs = [chat, await chat.tab()];
      for (const round of [1, 2]) {
        await until(() => renewals >= round, 60_000);
        text += ` ${round}`;
        call.delta(` ${round}`);
        for (const tab of tabs) await tab.reads(text, true);
      }
      FakeProvider.done(call);
      for (const tab of tabs) await tab.reads(text, false);
      await chat.click('Sign out');
      for (const tab of tabs) await tab.page.getByRole('button', { name: 'Create account' }).waitFor();
    });

    // With an event stream each, they would block one another: a browser opens six connections to a server.
    if (name === 'urql')
      test('shows an answer in seven tabs over Server-Sent Events', async () => {
        await using chat = await open();
        await chat.signUp();
        const call = await take(chat.ask('Tell me.'));
        call.delta('One');
        await chat.reads('One', true);
        const tabs = [chat];
        while (tabs.length < 7) tabs.push(await chat.tab());
        for (const tab of tabs) await tab.reads('One', true);
        call.delta(' for all');
        for (const tab of tabs) await tab.reads('One for all', true);
        FakeProvider.done(call);
        for (const tab of tabs) await tab.reads('One for all', false);
        const next = await take(tabs[6]!.ask('And now?'));
        FakeProvider.done(next);
        for (const tab of tabs) await tab.page.locator('.user', { hasText: 'And now?' }).waitFor();
      });

    test('finds conversations, and loads the list as it is scrolled', async () => {
      await using chat = await open();
      await chat.signUp();
      await chat.page.getByLabel('Your message').waitFor();
      await using device = await chat.device();
      await device.ask('How deep is the sea?', { stream: false });
      for (let i = 0; i < 24; i += 1) await device.ask(`Question ${i}`, { stream: false });
      const rows = chat.page.locator('.conversation');
      await until(async () => {
        await chat.page.evaluate(SCROLL_LIST_TO_END);
        return (await rows.count()) === 25;
      });
      // The first page is read again, and what it has no more stays.
      await device.ask('One more', { stream: false });
      await until(async () => (await rows.count()) === 26);
      await chat.page.getByLabel('Search').fill('sea');
      await until(async () => (await rows.count()) === 1);
      await rows.click();
      await chat.reads('You asked: How deep is the sea?', false);
      await chat.page.getByLabel('Search').fill('');
      await until(async () => (await rows.count()) === 26);
    });

    test('fits on a phone, and keeps its place there while earlier messages are loaded', async () => {
      await using chat = await open();
      await chat.page.setViewportSize(PHONE);
      await chat.signUp();
      await chat.page.getByLabel('Your message').waitFor();
      await using device = await chat.device();
      let conversationId: string | undefined;
      for (let i = 0; i < 20; i += 1) {
        const question = `Question number ${i}. `.repeat(10) + 'x'.repeat(100);
        conversationId = (await device.ask(question, { stream: false, conversationId })).conversation.id;
      }
      await chat.page.locator('.conversation').click();
      const messages = chat.page.locator('.message');
      await until(async () => (await messages.count()) === 30);
      await chat.page.locator('.message', { hasText: 'number 19.' }).last().waitFor();
      expect(await chat.page.evaluate(IS_WITHIN_WIDTH)).toBe(true);
      const expectInView = async (element: Locator) => {
        const { y } = (await element.boundingBox())!;
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThan(PHONE.height);
      };
      await expectInView(chat.page.getByLabel('Your message'));
      await expectInView(chat.page.locator('.conversation'));
      await chat.page.evaluate(SCROLL_MESSAGES_TO_BEGINNING);
      await until(async () => (await messages.count()) === 40);
      // The first of those that were shown before.
      await expectInView(messages.nth(10));
      await chat.page.locator('.message', { hasText: 'number 0.' }).first().waitFor();
    });
  });
});
