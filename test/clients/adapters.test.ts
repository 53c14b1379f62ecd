import { jest } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { FrontEnd } from '../kit/front-end.js';
import { PASSWORD, TestServer } from '../kit/server.js';

jest.setTimeout(180_000);

/** The libraries run in a browser, with what test/front-ends/adapters shows of them. */
(BROWSER ? describe : describe.skip)('with the real library', () => {
  let browser: Browser;
  let frontEnd: FrontEnd;
  let server: TestServer;
  beforeAll(async () => {
    [browser, frontEnd, server] = await Promise.all([
      launchBrowser(),
      FrontEnd.build('test/front-ends/adapters'),
      TestServer.start(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await frontEnd?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  async function open(library: string): Promise<Page> {
    const page = await frontEnd.open(browser, server.url, `/?${library}`);
    const { email } = await server.user();
    await page.evaluate(`signIn(${JSON.stringify(email)}, ${JSON.stringify(PASSWORD)})`);
    return page;
  }

  test.each(['assistant-ui', 'ai-sdk'])(
    '%s streams, stops, answers again, and goes on after a reload',
    async (library) => {
      const page = await open(library);
      const click = (name: string) => page.getByRole('button', { name, exact: true }).last().click();
      const read = (text: string) => page.locator('.answer').last().getByText(text, { exact: true }).waitFor();
      const take = async (action: () => Promise<void>): Promise<Call> => {
        const taken = server.provider.takeCall();
        await action();
        return await taken;
      };
      const ask = async (question: string) => {
        await page.getByLabel('Your message').fill(question);
        await click('Ask');
      };
      const first = await take(() => ask('Tell me.'));
      await page.locator('.question', { hasText: 'Tell me.' }).waitFor();
      let text = '';
      for (const token of ['Each', ' token', ' is seen']) {
        first.delta(token);
        text += token;
        await read(text);
      }
      await click('Stop');
      await page.getByText('Running').waitFor({ state: 'detached' });
      await read('Each token is seen');

      const again = await take(() => click('Answer again'));
      again.delta('Another');
      await read('Another');
      again.delta(' answer');
      FakeProvider.done(again);
      await read('Another answer');
      await page.getByText('Running').waitFor({ state: 'detached' });
      expect(await page.locator('.answer').count()).toBe(1);

      const next = await take(() => ask('And then?'));
      next.delta('Before');
      await read('Before');
      await page.reload();
      await read('Before');
      next.delta(' and after');
      await read('Before and after');
      FakeProvider.done(next);
      await page.getByText('Running').waitFor({ state: 'detached' });
      expect(await page.locator('.answer').allInnerTexts()).toEqual([
        expect.stringContaining('Another answer'),
        expect.stringContaining('Before and after'),
      ]);
      await page.context().close();
    },
  );
});
