import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { BUILD } from '../kit/build.js';
import { POSTGRES_URL } from '../kit/postgres.js';
import { REDIS_URL } from '../kit/redis.js';

/** A benchmark starts several servers, which takes long on a busy machine. */
jest.setTimeout(300_000);

// Whether the benchmarks work. They check tokens and rows themselves; figures of such short runs mean nothing.
describe('benchmarks', () => {
  let results: string;
  const children = new Set<ChildProcess>();
  beforeEach(() => (results = mkdtempSync(join(tmpdir(), 'parley-results-'))));
  afterEach(async () => {
    // After a timeout. It ends its servers.
    for (const child of children) {
      child.kill('SIGTERM');
      await once(child, 'close');
    }
    children.clear();
    await rm(results, { recursive: true, force: true });
  });

  /** @param onOutput receives everything that the benchmark has printed so far, and its process id */
  async function run(name: string, settings = {}, onOutput = (_output: string, _pid: number) => {}) {
    // It starts servers of its own.
    const database = POSTGRES_URL ? { DATABASE: 'postgresql' } : {};
    const env = { ...process.env, ...database, RESULTS: results, ROUNDS: '1', SCALE: '0.02', ...settings };
    const child = spawn(process.execPath, [join(BUILD, `bench/${name}/run.js`)], { env });
    children.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        output += bytes.toString();
        onOutput(output, child.pid!);
      });
    const [code] = (await once(child, 'close')) as [number];
    children.delete(child);
    return { code, output };
  }

  test.each(['requests', 'exchange', 'scale', ...(POSTGRES_URL ? [] : ['stream', 'catalogue'])])(
    'bench:%s works',
    async (name) => {
      const { code, output } = await run(name);
      expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('| ---') });
      expect(readdirSync(results)).toContainEqual(expect.stringMatching(`^${name}.*\\.json$`));
    },
  );

  (REDIS_URL ? test : test.skip)('bench:fan-out works', async () => {
    const { code, output } = await run('fan-out', { ANSWERS: '20', SECONDS: '1', REDIS_URL: REDIS_URL! });
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('All tokens arrived') });
  });

  test('a benchmark ends with an error if a server dies', async () => {
    let isKilled = false;
    const { code, output } = await run('requests', {}, (text, pid) => {
      if (isKilled || !text.includes('warming up usual')) return;
      isKilled = true;
      const raw = execFileSync('pgrep', ['-P', String(pid), '-f', 'raw.js'], { encoding: 'utf8' });
      process.kill(Number(raw), 'SIGKILL');
    });
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining('raw.js was ended by SIGKILL; its output is above.'),
    });
  });
});
