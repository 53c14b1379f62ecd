import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KEEP_ALIVE } from '../../src/server.js';
import { parseDuration } from '../../src/platform/config/duration.js';

const run = promisify(execFile);
const read = (file: string) => readFileSync(file, 'utf8');

const dockerfile = read('Dockerfile');
const compose = read('docker-compose.yml');
const caddyfile = read('deploy/Caddyfile');
const guide = read('docs/deploy.md');

/** Lines of the Dockerfile by instruction, with what is continued put together. */
const instructions = dockerfile
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => ({ name: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1) }));
const all = (name: string) => instructions.filter((one) => one.name === name).map(({ rest }) => rest);

/** Compose writes durations as Parley does, as long as there is one unit in them. */
const milliseconds = (text: string | undefined) => parseDuration(text ?? '') ?? NaN;

describe('the Dockerfile', () => {
  const copied = all('COPY').filter((rest) => !rest.startsWith('--from'));

  test('copies what is there, and what .dockerignore lets through', () => {
    const passed = read('.dockerignore').match(/(?<=^!).+$/gm)!;
    const sources = copied.flatMap((rest) => rest.split(/\s+/).slice(0, -1));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) {
      expect([source, existsSync(source)]).toEqual([source, true]);
      expect(passed).toContain(source);
    }
    expect(passed.sort()).toEqual(sources.sort());
  });

  test('starts what the build makes, without npm and without a shell', () => {
    const [command, ...flags] = JSON.parse(all('CMD').at(-1)!) as string[];
    expect(command).toBe('node');
    const script = flags.find((flag) => !flag.startsWith('-'))!;
    expect(existsSync(script)).toBe(true);
    const health = JSON.parse(/CMD (\[.*\])/.exec(all('HEALTHCHECK')[0]!)![1]!) as string[];
    expect(existsSync(health[1]!)).toBe(true);
    expect(copied.join(' ')).toContain(health[1]!);
  });

  test('has a Node.js that is new enough, the one of .nvmrc', () => {
    const version = /^node:(\d+)-/.exec(all('FROM')[0]!)![1];
    expect(version).toBe(read('.nvmrc').trim());
  });

  test('ends as another user than root, and holds no secret', () => {
    expect(all('USER')).toEqual(['node']);
    expect(dockerfile).not.toMatch(/SECRET|API_KEY|PASSWORD/);
  });
});

describe('docker-compose.yml', () => {
  test('sets and asks for nothing but what is known', () => {
    const known = new Set([
      ...read('.env.example').match(/(?<=^#)[A-Z_]+(?==)/gm)!,
      // Of the other services.
      ...['POSTGRES_USER', 'POSTGRES_DB', 'POSTGRES_PASSWORD', 'SITE_ADDRESS', 'HTTP_PORT', 'HTTPS_PORT'],
    ]);
    const used = [
      ...[...compose.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name!),
      ...[...compose.matchAll(/^ +([A-Z_]{3,}): /gm)].map(([, name]) => name!),
    ];
    expect(used).toEqual(expect.arrayContaining(['JWT_SECRET', 'DATABASE_URL', 'TRUST_PROXY', 'POSTGRES_PASSWORD']));
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  test('does not start without its secrets', () => {
    for (const name of ['JWT_SECRET', 'POSTGRES_PASSWORD']) {
      const uses = [...compose.matchAll(new RegExp(`\\$\\{${name}(.)`, 'g'))].map(([, next]) => next);
      expect(uses.length).toBeGreaterThan(0);
      expect(new Set(uses)).toEqual(new Set([':']));
      expect(compose).not.toContain(`\${${name}:-`);
    }
  });

  test('gives a shutdown ten seconds more than SHUTDOWN_GRACE, as docs/operations.md asks for', () => {
    const grace = milliseconds(/#SHUTDOWN_GRACE=(\S+)/.exec(read('.env.example'))![1]);
    const parley = compose.slice(compose.indexOf('x-parley:'), compose.indexOf('\nservices:'));
    expect(milliseconds(/stop_grace_period: (\S+)/.exec(parley)?.[1])).toBeGreaterThanOrEqual(grace + 10_000);
    const unit = Number(/TimeoutStopSec=(\d+)/.exec(guide)![1]) * 1_000;
    expect(unit).toBeGreaterThanOrEqual(grace + 10_000);
  });

  test('has as many instances as the proxy knows, at the port where they listen', () => {
    const instances = [...compose.matchAll(/^ {2}(parley-\d+): \*parley$/gm)].map(([, name]) => name!);
    const port = /^ {4}PORT: (\d+)$/m.exec(compose)![1];
    expect(instances.length).toBeGreaterThanOrEqual(2);
    expect(/reverse_proxy (.*) \{/.exec(caddyfile)![1]!.split(' ')).toEqual(instances.map((name) => `${name}:${port}`));
    expect(compose).toContain('depends_on: [' + instances.join(', ') + ']');
  });
});

describe('the proxies', () => {
  test('close idle connections before Parley does', () => {
    for (const idle of [/keepalive (\S+)/.exec(caddyfile)![1], /keepalive_timeout (\S+?);/.exec(guide)![1]])
      expect(milliseconds(idle)).toBeLessThan(KEEP_ALIVE);
  });

  test('let through what the server has, and nothing else', () => {
    const paths = ['/graphql', '/graphql/stream', '/healthz', '/readyz'];
    expect(/@parley path (.*)/.exec(caddyfile)![1]!.split(' ')).toEqual(paths);
    expect([...guide.matchAll(/location = (\S+) /g)].map(([, path]) => path)).toEqual(paths);
  });
});

describe('docs/deploy.md', () => {
  test('names files and commands that are there', () => {
    const built = [...guide.matchAll(/dist\/src\/([\w-]+)\.js/g)].map(([, name]) => name!);
    const missing = built.filter((name) => !existsSync(`src/${name}.ts`));
    expect(built).toEqual(expect.arrayContaining(['main', 'migrate', 'grant-admin']));
    expect(missing).toEqual([]);
    for (const [, path] of guide.matchAll(/\]\((?!http|#)([^)#]+)/g))
      expect([path, existsSync(join('docs', path!))]).toEqual([path, true]);
  });

  test('builds with what production installs: the compiler is no development dependency', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    expect(dependencies).toHaveProperty('typescript-native');
    expect(globSync('dist/src/main.js')).toHaveLength(1);
  });
});

test('deploy/healthcheck.mjs ends with 0 for 200, and with 1 for all else and for nobody', async () => {
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url!);
    response.writeHead(url === '/healthz' ? 200 : 503).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const PORT = String((server.address() as AddressInfo).port);
  const check = (...args: string[]) =>
    run(process.execPath, ['deploy/healthcheck.mjs', ...args], { env: { ...process.env, PORT } }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  expect([await check('/healthz'), await check(), asked]).toEqual([0, 1, ['/healthz', '/readyz']]);
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  expect(await check('/healthz')).toBe(1);
});
