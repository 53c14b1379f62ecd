import { randomUUID } from 'node:crypto';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { PASSWORD } from '../kit/server.js';

/** The web chat in a browser without stored data. */
export class ChatPage implements AsyncDisposable {
  /** Messages of uncaught errors, and what the browser complains about, such as the Content-Security-Policy. */
  readonly mistakes: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {
    page.on('pageerror', (error) => this.mistakes.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Failed to load resource|WebSocket/.test(message.text()))
        this.mistakes.push(message.text());
    });
  }

  static async open(
    browser: Browser,
    url: string,
    options: { width?: number; height?: number; locale?: string; path?: string; isPhone?: boolean } = {},
  ): Promise<ChatPage> {
    const { width = 1280, height = 800, locale = 'en-US', path = '/', isPhone = false } = options;
    const context = await browser.newContext({
      viewport: { width, height },
      locale,
      reducedMotion: 'reduce',
      hasTouch: isPhone,
      isMobile: isPhone,
    });
    // Browsers are slow while other tests run.
    context.setDefaultTimeout(60_000);
    const chat = new ChatPage(context, await context.newPage(), url);
    await chat.page.goto(url + path);
    return chat;
  }

  /** Another tab of the same browser. */
  async tab(path = '/'): Promise<ChatPage> {
    const chat = new ChatPage(this.context, await this.context.newPage(), this.url);
    await chat.page.goto(this.url + path);
    return chat;
  }

  /** Creates an account. Returns its email. */
  async signUp(name = ''): Promise<string> {
    const email = `person-${randomUUID()}@example.com`;
    await this.page.getByLabel('Name (optional)').fill(name);
    await this.page.getByLabel('Email').fill(email);
    await this.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await this.page.getByRole('button', { name: 'Create account' }).click();
    await this.input.waitFor();
    return email;
  }

  async signIn(email: string): Promise<void> {
    await this.page.getByLabel('Email').fill(email);
    await this.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await this.input.waitFor();
  }

  get input(): Locator {
    return this.page.getByLabel('Your message');
  }

  get answers(): Locator {
    return this.page.locator('.answer');
  }

  /** The rows of the list of conversations. */
  get list(): Locator {
    return this.page.locator('.conversation');
  }

  /** Sends a question, without waiting for the answer. */
  async ask(question: string): Promise<void> {
    await this.input.fill(question);
    await this.input.press('Enter');
  }

  /** Waits until the newest answer contains a text. */
  async read(text: string): Promise<void> {
    await this.answers.last().filter({ hasText: text }).waitFor();
  }

  /** Waits until the newest answer is finished. */
  async finished(): Promise<void> {
    await this.page.locator('.answer[aria-busy=false]').last().waitFor();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
