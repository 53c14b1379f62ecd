import { readdirSync, readFileSync } from 'node:fs';
import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import {
  ConversationsDocument,
  LoginDocument,
  RegisterDocument,
  RenameConversationDocument,
} from '../../client/src/generated/graphql.js';
import { BROWSER, launchBrowser } from '../kit/browser.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { PlaygroundPage } from './playground-page.js';

if (!BROWSER)
  console.warn('Left out: the playground in a browser. Install Chromium (Debian: apt-get install chromium) to run it.');

/** A slow machine needs minutes to run all tabs. */
jest.setTimeout(400_000);

const PASSWORD = 'correct horse battery';
const OPERATIONS = '../../schema/operations';

(BROWSER ? describe : describe.skip)('the playground', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('shows an answer token by token after Register and AskQuestion', async () => {
    await using server = await TestServer.start();
    await using playground = await PlaygroundPage.open(browser, server.url);
    await playground.run('Register');
    const taken = server.provider.takeCall();
    await playground.run('AskQuestion');
    const call = await taken;
    await playground.start('AnswerStream');
    const answer = playground.page.locator('#parley-answer');
    let text = '';
    for (const token of ['Each ', 'token ', 'is seen ', 'on its own.']) {
      // Send the next token only when this one is shown.
      call.delta(token);
      text += token;
      await answer.filter({ hasText: text.trim() }).waitFor();
      // The result contains the whole text, not only the newest delta.
      expect((await playground.result()).data.answerStream).toEqual({ __typename: 'AnswerDelta', offset: 0, text });
    }
    call.finish('stop', null);
    await playground.page.locator('.parley-answer label', { hasText: 'COMPLETED' }).waitFor();
    const { data, earlierEvents } = await playground.result();
    expect(data.answerStream.answer.content).toBe(text);
    expect(earlierEvents).toEqual([{ data: { answerStream: { __typename: 'AnswerDelta', offset: 0, text } } }]);
    // The text stays while other tabs are run.
    await playground.run('Me');
    expect(await answer.textContent()).toBe(text);
    const { elsewhere, mistakes } = playground;
    expect({ elsewhere, mistakes }).toEqual({ elsewhere: [], mistakes: [] });
  });

  test.each([['a fresh database'], ["the database of the README's first conversation"]])(
    'runs all tabs in order without an error on %s',
    async (database) => {
      // The demo model, and the default rate limits.
      await using server = await TestServer.start({
        OPENAI_BASE_URL: '',
        RATE_LIMIT_AUTH: '20/1m',
        RATE_LIMIT_ASK: '30/1m',
      });
      if (database !== 'a fresh database') {
        await server.anyone.request(RegisterDocument, { input: { email: 'jane@example.com', password: PASSWORD } });
      }
      await using playground = await PlaygroundPage.open(browser, server.url);
      const tabs = await playground.tabs();
      for (const tab of tabs) {
        await playground.select(tab);
        expect({ tab, complaints: await playground.complaints() }).toEqual({ tab, complaints: [] });
        await playground.page.locator('.parley-hint', { hasText: 'Press ▶' }).waitFor();
        if (tab === 'ConversationUpdates') {
          await causeUpdate(server, playground);
          continue;
        }
        const result = await playground.run(tab);
        expect({ tab, errors: result.errors, fields: Object.keys(result.data ?? {}) }).toEqual({
          tab,
          errors: undefined,
          fields: [expect.any(String)],
        });
        expect(Object.values(result.data)).not.toContain(null);
        if (tab === 'AnswerStream')
          await playground.page.locator('.parley-answer label', { hasText: 'COMPLETED' }).waitFor();
      }
      expect(new Set(tabs)).toEqual(new Set([...operations(), 'AskForCutAnswer', 'ContinueConversation']));
      expect(playground.mistakes).toEqual([]);
    },
  );

  test('finds the last answer of an earlier visit after Login', async () => {
    await using server = await TestServer.start();
    const input = { email: 'jane@example.com', password: PASSWORD };
    const { register } = await server.anyone.request(RegisterDocument, { input });
    const { answer } = await server.client(register.accessToken).ask('Is it there?', { stream: false });
    await using playground = await PlaygroundPage.open(browser, server.url);
    await playground.select('Message');
    await playground.page.locator('.parley-hint', { hasText: 'This needs a session' }).waitFor();
    expect((await playground.run('Message')).errors[0].message).toBe('Run Register or Login first.');
    await playground.page.locator('#parley-account').getByRole('button', { name: 'Login' }).click();
    expect((await playground.run('Login')).data.login.user.email).toBe(input.email);
    expect((await playground.run('Message')).data.message.id).toBe(answer.id);
  });

  test('marks wrong variables, and does not mark missing variables that have defaults', async () => {
    await using server = await TestServer.start();
    await using playground = await PlaygroundPage.open(browser, server.url);
    await playground.select('AskQuestion');
    await playground.setVariables('{ "input": { "question": "May I leave out stream?" } }');
    expect(await playground.complaints()).toEqual([]);
    await playground.setVariables('{ "input": {}, "nonsense": true }');
    expect(await playground.complaints()).toEqual([
      'Missing property "question".',
      'Property nonsense is not allowed.',
    ]);
    await playground.select('Conversations');
    await playground.setVariables('{}');
    expect(await playground.complaints()).toEqual([]);
  });

  test('renews tokens before they expire, when they are refused, and while a subscription runs', async () => {
    await using server = await TestServer.start({ JWT_EXPIRES_IN: '3s' });
    await using playground = await PlaygroundPage.open(browser, server.url);
    const { user } = (await playground.run('Register')).data.register;
    // The token expires within seconds, so the page renews it before the next request.
    expect(await server.count('refresh_tokens')).toBe(1);
    expect((await playground.run('Me')).data.me.email).toBe(user.email);
    expect(await server.count('refresh_tokens')).toBe(2);

    // With a slow clock the page considers the token valid until the server refuses it.
    const client = server.client(await playground.accessToken());
    await playground.page.clock.setFixedTime(Date.now() - 3_600_000);
    await until(async () => (await client.request('{ me { id } }').catch(() => null)) === null);
    expect((await playground.run('Me')).data.me.email).toBe(user.email);
    expect(await server.count('refresh_tokens')).toBe(3);

    const sockets: string[] = [];
    playground.page.on('websocket', (socket) => sockets.push(socket.url()));
    await playground.run('AskQuestion');
    await playground.start('ConversationUpdates');
    // The server closes the socket with 4403 when the token expires.
    await until(() => sockets.length >= 3, 90_000);
    await causeUpdate(server, playground, false);
    expect(playground.mistakes).toEqual([]);
  });

  test('signs out when the session was ended by another client', async () => {
    await using server = await TestServer.start();
    await using playground = await PlaygroundPage.open(browser, server.url);
    const { accessToken } = (await playground.run('Register')).data.register;
    await server.client(accessToken).request('mutation { logoutAll }');
    expect((await playground.run('Me')).errors[0].extensions.code).toBe('UNAUTHENTICATED');
    await playground.page.locator('#parley-account', { hasText: 'Not signed in' }).waitFor();
  });

  test('fits all panes into a window of 390 pixels', async () => {
    await using server = await TestServer.start();
    await using playground = await PlaygroundPage.open(browser, server.url, { width: 390, height: 844 });
    await playground.run('Register');
    await playground.run('AskQuestion');
    await playground.start('AnswerStream');
    await playground.page.locator('.parley-answer label', { hasText: 'COMPLETED' }).waitFor();
    const { page } = playground;
    for (const [selector, height] of [
      ['.graphiql-query-editor', 100],
      ['.graphiql-editor-tool', 60],
      ['.result-window', 100],
      ['#parley-answer', 20],
      ['#parley-account', 20],
    ] as const) {
      const box = (await page.locator(selector).first().boundingBox())!;
      expect({
        selector,
        left: box.x >= 0,
        right: box.x + box.width <= 390,
        bottom: box.y + box.height <= 844,
      }).toEqual({
        selector,
        left: true,
        right: true,
        bottom: true,
      });
      expect(box.width).toBeGreaterThan(300);
      expect(box.height).toBeGreaterThanOrEqual(height);
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });
});

/** Renames a conversation of the page's user until the page shows the event. */
async function causeUpdate(server: TestServer, playground: PlaygroundPage, start = true): Promise<void> {
  if (start) await playground.start('ConversationUpdates');
  const input = { email: await playground.email(), password: PASSWORD };
  const { login } = await server.anyone.request(LoginDocument, { input });
  const user = server.client(login.accessToken);
  const { conversations } = await user.request(ConversationsDocument);
  const { id } = conversations.edges[0]!.node;
  await until(async () => {
    // The page does not show when its subscription is active.
    await user.request(RenameConversationDocument, { input: { id, title: `Renamed at ${Date.now()}` } });
    const shown = await playground.result();
    return [shown, ...(shown?.earlierEvents ?? [])].some((it) => it?.data?.conversationUpdates.type === 'RENAMED');
  }, 400_000);
}

/** Returns the names of all operations in schema/operations. */
function operations(): string[] {
  const folder = new URL(OPERATIONS, import.meta.url);
  return readdirSync(folder).flatMap((file) =>
    [
      ...readFileSync(new URL(`${folder.href}/${file}`), 'utf8').matchAll(/^(?:query|mutation|subscription) (\w+)/gm),
    ].map(([, name]) => name!),
  );
}
