import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegisterDocument } from '../../client/src/generated/graphql.js';
import { BUILD } from '../kit/build.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { Instance } from '../kit/instance.js';
import { PASSWORD } from '../kit/server.js';
import { until } from '../kit/until.js';
import { ApiClient } from '../kit/user.js';

/** With a flag of Node.js, scripts/node.mjs starts a second process, as it does on an older Node.js. */
describe.each([
  ['in one process', ''],
  ['in two processes', '--enable-source-maps '],
])('a server that npm starts %s', (_name, flag) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-signals-'));
  let provider: FakeProvider;
  beforeAll(async () => {
    provider = await FakeProvider.start();
    const start = `exec node ${join(process.cwd(), 'scripts/node.mjs')} ${flag}${join(BUILD, 'src/main.js')}`;
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'signals', scripts: { start } }));
  });
  afterAll(async () => {
    await provider[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts a server, and an answer whose end is decided by the test. */
  async function startAnswer() {
    await using stack = new AsyncDisposableStack();
    const settings = { OPENAI_BASE_URL: provider.baseUrl, DATABASE_URL: 'sqlite::memory:', SHUTDOWN_GRACE: '1m' };
    const server = stack.use(new Instance(folder, settings, ['npm', 'start']));
    await server.started;
    const input = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD };
    const anyone = stack.use(new ApiClient(server.url));
    const { register } = await anyone.request(RegisterDocument, { input });
    const jane = stack.use(new ApiClient(server.url, register.accessToken));
    const taken = provider.takeCall();
    const { answer } = await jane.ask('Is it raining?');
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('It is ');
    await follower.until('It is ');
    const opened = stack.move();
    return { server, call, follower, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  }

  test.each<[string, (server: Instance) => void]>([
    ['SIGTERM to npm', (server) => server.signal('SIGTERM')],
    ['SIGTERM to the process group', (server) => server.signalGroup('SIGTERM')],
    ['SIGINT to npm', (server) => server.signal('SIGINT')],
    ['Ctrl-C', (server) => server.signalGroup('SIGINT')],
  ])('drains on %s', async (_signal, send) => {
    await using started = await startAnswer();
    const { server, call, follower } = started;
    send(server);
    await server.ready(false);
    // npm and scripts/node.mjs may forward this one late, and none of its copies may end the drain.
    server.signalGroup('SIGTERM');
    call.delta('not.');
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'It is not.' });
    expect(await server.exited).toBe(0);
    expect(server.output.match(/Shutting down/g)).toHaveLength(1);
  });

  test('ends at once on a second Ctrl-C', async () => {
    await using started = await startAnswer();
    const { server } = started;
    let hasExited = false;
    void server.exited.then(() => (hasExited = true));
    await until(() => {
      server.signalGroup('SIGINT');
      return hasExited;
    });
    expect(await server.exited).not.toBe(0);
  });
});
