/**
 * Measures the memory of the real server, in a process of its own, before and after 5,000 WebSockets have been opened and
 * signed in from another process. The exit code is 1 if they need 200 MB or more.
 *
 *   npm run bench:idle
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Attacker } from '../attack/attacker.js';
import { MeasuredProcess } from '../kit/measured-process.js';
import { writeResults } from '../kit/results.js';
import { runBenchmark } from '../kit/run-benchmark.js';
import { toCount } from '../kit/scale.js';
import { createTemporaryFolder } from '../kit/temporary-folder.js';

const SOCKETS = toCount(5_000);
const MAX_MEGABYTES = 200;

await runBenchmark(async (use) => {
  const folder = createTemporaryFolder();
  const settings = {
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'idle.db')}`,
    JWT_SECRET: 'a secret of the benchmark, long enough',
    JWT_EXPIRES_IN: '1d',
    DEMO_MODEL: 'on',
    LOG_LEVEL: 'error',
  };
  const server = use(await MeasuredProcess.start(join(import.meta.dirname, '../../src/main.js'), settings, folder));
  const user = use(await use(new Attacker(server.url, '127.0.0.1')).register());
  // What is used once, for example by the first operations, is not a cost of sockets.
  for (let i = 0; i < 200; i += 1) await user.post('{ me { id } }');
  const before = await server.request('memory');

  const env = { PATH: process.env['PATH'], URL: `${server.url}/graphql`, TOKEN: user.token!, COUNT: String(SOCKETS) };
  const clients = fork(join(import.meta.dirname, 'clients.js'), { env });
  use({ [Symbol.dispose]: () => void clients.kill('SIGKILL') });
  const [message] = (await Promise.race([once(clients, 'message'), once(clients, 'exit')])) as [unknown];
  if (message !== 'open') throw new Error('The clients could not open their WebSockets; the error is above.');
  await server.untilIdle();
  const after = await server.request('memory');
  const { TCPSocketWrap: open = 0 } = await server.request('handles');
  if (open < SOCKETS) throw new Error(`Only ${open} of ${SOCKETS} WebSockets are open.`);

  const figures = {
    sockets: SOCKETS,
    rssMb: (after.rss - before.rss) / 1e6,
    heapMb: (after.heap - before.heap) / 1e6,
    rssKbPerSocket: (after.rss - before.rss) / 1e3 / SOCKETS,
  };
  console.table([figures]);
  writeResults('idle', figures);
  const holds = figures.rssMb < MAX_MEGABYTES;
  console.log(
    `${holds ? '✓' : '✗'} ${SOCKETS} idle WebSockets need ${figures.rssMb.toFixed(1)} MB (goal: < ${MAX_MEGABYTES} MB).`,
  );
  if (!holds) process.exitCode = 1;
});
