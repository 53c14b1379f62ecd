import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { KEEP_ALIVE_TIMEOUT_MS } from '../../src/server.js';
import { BUILD } from '../kit/build.js';
import { Instance } from '../kit/instance.js';
import { parseDuration } from '../../src/platform/config/duration.js';

const run = promisify(execFile);
const read = (file: string) => readFileSync(file, 'utf8');

const dockerfile = read('Dockerfile');
const compose = read('docker-compose.yml');
const caddyfile = read('deploy/Caddyfile');
const guide = read('docs/deploy.md');

interface Service {
  image: string;
  build?: string;
  pull_policy?: string;
  environment: Record<string, string | number>;
}
const { services } = parse(compose, { merge: true }) as { services: Record<string, Service> };
const instances = Object.keys(services).filter((name) => name.startsWith('parley-'));

/** Returns the environment of a service, with the variables that Compose reads from .env. */
function readEnvironment({ environment }: Service, env: Record<string, string>): Record<string, string> {
  const substitute = (text: string) =>
    text.replace(/\$\{(\w+):([?-])([^}]*)\}/g, (_match, name: string, operator: string, rest: string) => {
      if (operator === '?' && !env[name]) throw new Error(`${name}: ${rest}`);
      return env[name] || rest;
    });
  return {
    ...env,
    ...Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, substitute(`${text}`)])),
  };
}

/** The instructions of the Dockerfile. Continued lines are joined. */
const instructions = dockerfile
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => ({ name: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1) }));
const getArguments = (name: string) => instructions.filter((one) => one.name === name).map(({ rest }) => rest);

/** Compose and Parley write durations in the same form if they have a single unit. */
const toMilliseconds = (text: string | undefined) => parseDuration(text ?? '') ?? NaN;

describe('the Dockerfile', () => {
  const copied = getArguments('COPY').filter((rest) => !rest.startsWith('--from'));

  test('copies only files that exist and that .dockerignore allows', () => {
    const passed = read('.dockerignore').match(/(?<=^!).+$/gm)!;
    const sources = copied.flatMap((rest) => rest.split(/\s+/).slice(0, -1));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) {
      expect([source, existsSync(source)]).toEqual([source, true]);
      expect(passed).toContain(source);
    }
    expect(passed.sort()).toEqual(sources.sort());
  });

  test('starts a built file, without npm and without a shell', () => {
    const [command, ...flags] = JSON.parse(getArguments('CMD').at(-1)!) as string[];
    expect(command).toBe('node');
    const script = flags.find((flag) => !flag.startsWith('-'))!;
    expect(existsSync(join(BUILD, script.replace(/^dist\//, '')))).toBe(true);
    const health = JSON.parse(/CMD (\[.*\])/.exec(getArguments('HEALTHCHECK')[0]!)![1]!) as string[];
    expect(existsSync(health[1]!)).toBe(true);
    expect(copied.join(' ')).toContain(health[1]!);
  });

  test('uses the Node.js version of .nvmrc', () => {
    const version = /^node:(\d+)-/.exec(getArguments('FROM')[0]!)![1];
    expect(version).toBe(read('.nvmrc').trim());
  });

  test('runs as a user other than root and contains no secret', () => {
    expect(getArguments('USER')).toEqual(['node']);
    expect(dockerfile).not.toMatch(/SECRET|API_KEY|PASSWORD/);
  });
});

describe('docker-compose.yml', () => {
  test('uses only known variables', () => {
    const known = new Set([
      ...read('.env.example').match(/(?<=^#)[A-Z_]+(?==)/gm)!,
      // Variables of the other services.
      ...['POSTGRES_USER', 'POSTGRES_DB', 'POSTGRES_PASSWORD', 'SITE_ADDRESS', 'HTTP_PORT', 'HTTPS_PORT'],
    ]);
    const used = [
      ...[...compose.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name!),
      ...[...compose.matchAll(/^ +([A-Z_]{3,}): /gm)].map(([, name]) => name!),
    ];
    expect(used).toEqual(expect.arrayContaining(['JWT_SECRET', 'DATABASE_URL', 'TRUST_PROXY', 'POSTGRES_PASSWORD']));
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  test('requires its secrets', () => {
    for (const name of ['JWT_SECRET', 'POSTGRES_PASSWORD']) {
      const uses = [...compose.matchAll(new RegExp(`\\$\\{${name}(.)`, 'g'))].map(([, next]) => next);
      expect(uses.length).toBeGreaterThan(0);
      expect(new Set(uses)).toEqual(new Set([':']));
      expect(compose).not.toContain(`\${${name}:-`);
    }
  });

  test('stops Parley at least ten seconds after SHUTDOWN_GRACE, as docs/operations.md says', () => {
    const grace = toMilliseconds(/#SHUTDOWN_GRACE=(\S+)/.exec(read('.env.example'))![1]);
    const parley = compose.slice(compose.indexOf('x-parley:'), compose.indexOf('\nservices:'));
    expect(toMilliseconds(/stop_grace_period: (\S+)/.exec(parley)?.[1])).toBeGreaterThanOrEqual(grace + 10_000);
    const unit = Number(/TimeoutStopSec=(\d+)/.exec(guide)![1]) * 1_000;
    expect(unit).toBeGreaterThanOrEqual(grace + 10_000);
  });

  test('defines the instances that the proxy uses, with the same port', () => {
    const port = services['parley-1']!.environment['PORT'];
    expect(instances.length).toBeGreaterThanOrEqual(2);
    expect(/reverse_proxy (.*) \{/.exec(caddyfile)![1]!.split(' ')).toEqual(instances.map((name) => `${name}:${port}`));
    expect(compose).toContain('depends_on: [' + instances.join(', ') + ']');
  });

  test('builds the image in one service, and the others do not pull it', () => {
    expect(Object.keys(services).filter((name) => services[name]!.build)).toEqual(['parley-1']);
    expect(new Set(instances.map((name) => services[name]!.image)).size).toBe(1);
    for (const name of instances) expect(services[name]!.pull_policy).toBe('never');
  });

  describe('in its environment', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-compose-'));
    afterAll(() => rm(folder, { recursive: true, force: true }));

    /** Starts the command of the image with the settings of Compose, except for addresses in its network. */
    function start(env: Record<string, string>): Instance {
      const [, ...args] = JSON.parse(getArguments('CMD').at(-1)!) as string[];
      const launcher = [process.execPath, ...args.map((part) => part.replace(/^dist/, BUILD))];
      const secrets = { JWT_SECRET: 'x'.repeat(40), POSTGRES_PASSWORD: 'password' };
      const { REDIS_URL, ...settings } = readEnvironment(services['parley-1']!, { ...secrets, ...env });
      expect([REDIS_URL, settings['DATABASE_URL']]).toEqual([
        'redis://redis:6379',
        'postgres://parley:password@postgres:5432/parley',
      ]);
      return new Instance(
        folder,
        { ...settings, HOST: '127.0.0.1', PORT: '0', DATABASE_URL: 'sqlite::memory:' },
        launcher,
      );
    }
    const ask = async (url: string, query: string, token = '') => {
      const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
      const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
      return (await response.json()) as { data: { register: { accessToken: string } } };
    };
    const get = async (url: string, headers = {}) => (await fetch(url, { headers })).status;

    test('the demo model answers, and neither playground nor metrics are served', async () => {
      await using server = start({});
      await server.started;
      const input = '{ email: "jane@example.com", password: "correct horse battery" }';
      const { data } = await ask(server.url, `mutation { register(input: ${input}) { accessToken } }`);
      const question =
        'mutation { askQuestion(input: { question: "Hello!", stream: false }) { answer { status model } } }';
      expect(await ask(server.url, question, data.register.accessToken)).toEqual({
        data: { askQuestion: { answer: { status: 'COMPLETED', model: expect.stringContaining('demo') } } },
      });
      expect(await ask(server.url, '{ __schema { queryType { name } } }')).toHaveProperty('errors');
      const page = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
      expect(page.headers.get('content-type')).toContain('text/plain');
      expect(await get(`${server.url}/metrics`)).toBe(404);
      expect(await server.stop()).toBe(0);
    });

    test('serves the playground and the metrics if the settings say so', async () => {
      await using server = start({
        PLAYGROUND: 'on',
        METRICS_TOKEN: 'a-token',
        OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
      });
      await server.started;
      const page = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
      const [asset] = /\/graphql\/playground\/[^"]+/.exec(await page.text())!;
      expect(await get(`${server.url}${asset}`)).toBe(200);
      expect(await ask(server.url, '{ __schema { queryType { name } } }')).toHaveProperty('data.__schema');
      expect(await get(`${server.url}/metrics`)).toBe(401);
      expect(await get(`${server.url}/metrics`, { authorization: 'Bearer a-token' })).toBe(200);
    });
  });
});

describe('the proxies', () => {
  test('close idle connections before Parley does', () => {
    for (const idle of [/keepalive (\S+)/.exec(caddyfile)![1], /keepalive_timeout (\S+?);/.exec(guide)![1]])
      expect(toMilliseconds(idle)).toBeLessThan(KEEP_ALIVE_TIMEOUT_MS);
  });

  test('forward the paths of the API and no others', () => {
    const paths = ['/graphql', '/graphql/stream', '/exports/', '/healthz', '/readyz'];
    const playground = '/graphql/playground/*';
    expect(
      /@parley path (.*)/
        .exec(caddyfile)![1]!
        .split(' ')
        .filter((path) => path !== playground)
        .map((path) => path.replace('*', '')),
    ).toEqual(paths);
    expect([...guide.matchAll(/location (?:= )?(\S+) +\{ proxy_pass/g)].map(([, path]) => path)).toEqual(paths);
  });
});

describe('docs/deploy.md', () => {
  test('mentions only files and commands that exist', () => {
    const built = [...guide.matchAll(/dist\/src\/([\w/-]+)\.js/g)].map(([, name]) => name!);
    const missing = built.filter((name) => !existsSync(`src/${name}.ts`));
    expect(built).toEqual(expect.arrayContaining(['main', 'commands/migrate', 'commands/user']));
    expect(missing).toEqual([]);
    for (const [, path] of guide.matchAll(/\]\((?!http|#)([^)#]+)/g))
      expect([path, existsSync(join('docs', path!))]).toEqual([path, true]);
  });

  test('installs the development dependencies, which contain the compiler, before it builds', () => {
    const builds = guide.match(/npm ci[^`\n]*(?=npm run build)/g);
    expect(builds).toEqual(expect.arrayContaining([expect.any(String)]));
    expect(builds!.join()).not.toContain('--omit=dev');
  });
});

test('deploy/healthcheck.mjs exits with 0 on status 200, and with 1 on any other status or no connection', async () => {
  const paths: string[] = [];
  const server = createServer(({ url }, response) => {
    paths.push(url!);
    response.writeHead(url === '/healthz' ? 200 : 503).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const PORT = String((server.address() as AddressInfo).port);
  const check = (...args: string[]) =>
    run(process.execPath, ['deploy/healthcheck.mjs', ...args], { env: { ...process.env, PORT } }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  expect([await check('/healthz'), await check(), paths]).toEqual([0, 1, ['/healthz', '/readyz']]);
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  expect(await check('/healthz')).toBe(1);
});
