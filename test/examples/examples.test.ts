import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
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
import { ApiClient } from '../kit/user.js';

jest.setTimeout(180_000);

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

(BROWSER ? describe : describe.skip).each(['apollo', 'urql'])('the example for %s', (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-examples-'));
  let browser: Browser;
  let frontEnd: FrontEnd;
  let provider: FakeProvider;
  let tool: HeldTool;
  let settings: Record<string, string>;
  let server: Instance;

  beforeAll(async () => {
    [provider, tool] = await Promise.all([FakeProvider.start(), HeldTool.start()]);
    settings = {
      ...tool.settings,
      DATABASE_URL: `sqlite:${join(folder, 'parley.db')}`,
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_MAX_RETRIES: '0',
      PORT: String(await findFreePort()),
      RATE_LIMIT_AUTH: 'off',
      RATE_LIMIT_REGISTER: 'off',
    };
    server = new Instance(folder, settings);
    [browser, frontEnd] = await Promise.all([launchBrowser(), FrontEnd.build(`examples/${name}`), server.started]);
    await runCommand('catalogue.js', ['demo'], settings);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    await provider?.[Symbol.asyncDispose]();
    await tool?.[Symbol.asyncDispose]();
    await frontEnd?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(): Promise<ExamplePage> {
    const page = await frontEnd.open(browser, server.url);
    return new ExamplePage(page, server.url);
  }

  /** Runs an action, and returns the request for an answer that it leads to. */
  async function take(action: Promise<void>): Promise<Call> {
    const taken = provider.takeCall();
    await action;
    return await taken;
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
    call.delta('Our tent.\n\n[[product:DEMO-2]]\n\nOnly today: 199 €.');
    FakeProvider.done(call);
    await chat.page.locator('.product').getByText('Fernlight two-person tent 289.00 EUR Available').waitFor();
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
});
