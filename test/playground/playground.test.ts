import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { TestServer } from '../kit/server.js';

const BROWSER = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
if (!BROWSER)
  console.warn('Left out: the playground in a browser. Install Chromium (Debian: apt-get install chromium) to run it.');

(BROWSER ? test : test.skip)('a newcomer registers, asks, and sees the answer arrive token by token', async () => {
  await using server = await TestServer.start();
  const browser = await chromium.launch({
    executablePath: BROWSER!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const context = await browser.newContext();
    const elsewhere: string[] = [];
    const mistakes: string[] = [];
    const note = (url: string) => {
      if (!/^(data|blob):/.test(url) && new URL(url).host !== new URL(server.url).host) elsewhere.push(url);
    };
    context.on('request', (request) => note(request.url()));
    const page = await context.newPage();
    page.on('websocket', (socket) => note(socket.url()));
    page.on('pageerror', (error) => mistakes.push(error.message));

    await page.goto(`${server.url}/graphql`);
    // Before its editors are there, the playground's button does nothing.
    await page.locator('.result-window .view-lines').waitFor({ state: 'attached' });
    await page.locator('.graphiql-query-editor .view-lines').waitFor();
    const run = async (operation: string) => {
      await page.locator(`[role=tab] button[title="${operation}"]`).click();
      await page.locator('button.graphiql-execute-button[aria-label^="Execute"]').click();
    };

    await run('Register');
    await page.locator('#parley-account', { hasText: 'Signed in as jane@example.com' }).waitFor();
    const taken = server.provider.takeCall();
    await run('AskQuestion');
    const call = await taken;
    await page.locator('.result-window .view-lines', { hasText: '"askQuestion"' }).waitFor();
    await run('AnswerStream');
    const answer = page.locator('#parley-answer');
    let text = '';
    for (const token of ['Each ', 'token ', 'is seen ', 'on its own.']) {
      // The next one is sent only when this one is on the page.
      call.delta(token);
      text += token;
      await answer.filter({ hasText: text.trim() }).waitFor();
    }
    call.finish('stop', null);
    await page.locator('.parley-answer label', { hasText: 'COMPLETED' }).waitFor();
    expect(await answer.textContent()).toBe(text);
    expect({ elsewhere, mistakes }).toEqual({ elsewhere: [], mistakes: [] });
  } finally {
    await browser.close();
  }
});
