/**
 * Runs the README's commands as a new user does, on a bare machine and in a fresh clone of this commit:
 * `npm run test:install` with the npm of Node.js 20 and the newest npm, `npm run test:install -- 11.6.2` with that one.
 * Runs on Node.js 20, like the commands.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BareMachine } from './bare-machine.mjs';

process.on('SIGINT', () => process.exit(1)).on('SIGTERM', () => process.exit(1));

const root = join(import.meta.dirname, '../..');
const [first, ...others] = process.argv.length > 2 ? process.argv.slice(2) : ['10.8.2', 'latest'];

const INSTALL_TIMEOUT_MS = 10 * 60_000;
const START_TIMEOUT_MS = 3 * 60_000;
const COMMAND_TIMEOUT_MS = 3 * 60_000;
const MAX_WARNINGS = 9;

/**
 * Megabytes of the files in node_modules on Linux x64, of which a Node.js for machines with an older one has 184. What
 * they take on disk depends on the file system: it can be a fifth more.
 */
const MAX_PROJECT_MB = 900;
const MAX_PRODUCTION_MB = 350;
const MAX_CLIENT_BYTES = 100_000;

for (const version of [first, ...others]) await testWith(version);
console.log('All steps passed.');

async function testWith(version) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-install-'));
  const machine = new BareMachine(folder, version);
  console.log(`npm ${machine.npmVersion}`);
  const cleanUp = () => {
    machine[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.on('exit', cleanUp);
  const clone = join(folder, 'parley');
  execFileSync('git', ['clone', '--quiet', root, clone]);
  await install(machine, clone);
  const isFirst = version === first;
  await serve(machine, clone, isFirst && (() => runCommands(machine, clone)));
  if (isFirst) {
    await testClient(machine, clone, join(folder, 'front-end'));
    await testProduction(machine, clone);
  }
  process.off('exit', cleanUp);
  cleanUp();
}

async function install(machine, clone) {
  await step('npm ci', async () => {
    const { stdout, stderr } = await machine.run('npm ci', { folder: clone, timeoutMs: INSTALL_TIMEOUT_MS });
    assertFewWarnings(stdout + stderr);
    return assertWeight(clone, MAX_PROJECT_MB);
  });
}

/** Starts the server, talks to it, and ends it as a service manager does. */
async function serve(machine, clone, whileRunning) {
  const server = machine.start('npm', ['start'], { folder: clone, env: { PORT: '0' } });
  const url = await step('npm start', async () => {
    const [, url] = await server.waitFor(/API +(http:\S+)\/graphql/, START_TIMEOUT_MS);
    assertFewWarnings(server.stderr);
    return url;
  });
  await step('a question and its answer', () => converse(url));
  if (whileRunning) {
    const assets = await readAssets(clone, url);
    await whileRunning();
    await step('the server still answers, and has its files', async () => {
      await converse(url);
      assert.deepEqual(await readAssets(clone, url), assets);
    });
  }
  await step('SIGTERM', async () => {
    server.signal('SIGTERM');
    assert.equal(await server.exited, 0);
    await assert.rejects(fetch(url));
  });
}

/** Runs commands that compile, while a server runs from dist/. */
async function runCommands(machine, clone) {
  // The build in dist/ is out of date now.
  const now = new Date();
  utimesSync(join(clone, 'src/serve.ts'), now, now);
  for (const command of [
    'npm test -- test/platform/jobs.test.ts',
    'npm run codegen',
    'npm run migration:create',
    'npm run bench:report -- 1000',
  ])
    await step(
      command,
      async () => void (await machine.run(command, { folder: clone, timeoutMs: COMMAND_TIMEOUT_MS })),
    );
  assert.equal(execFileSync('git', ['-C', clone, 'status', '--porcelain'], { encoding: 'utf8' }), '');
}

async function testProduction(machine, clone) {
  await step('npm prune --omit=dev', async () => {
    await machine.run('npm prune --omit=dev', { folder: clone, timeoutMs: COMMAND_TIMEOUT_MS });
    return assertWeight(clone, MAX_PRODUCTION_MB);
  });
  await serve(machine, clone);
}

/** Installs the client package in the empty project of a front end, and imports it. */
async function testClient(machine, clone, project) {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'front-end', type: 'module' }));
  await step('npm install of the client', async () => {
    const pack = `npm pack --workspace client --pack-destination ${project}`;
    await machine.run(pack, { folder: clone, timeoutMs: COMMAND_TIMEOUT_MS });
    const [archive] = readdirSync(project).filter((name) => name.endsWith('.tgz'));
    const { size } = statSync(join(project, archive));
    assert.ok(size <= MAX_CLIENT_BYTES, `${archive} has ${size} bytes, the limit is ${MAX_CLIENT_BYTES}`);
    const install = `npm install --loglevel=error ./${archive}`;
    await machine.run(install, { folder: project, timeoutMs: INSTALL_TIMEOUT_MS });
    const script = "import('@parley/client').then(({ createChat }) => createChat.name)";
    await machine.run(`node --eval "${script}"`, { folder: project, timeoutMs: COMMAND_TIMEOUT_MS });
    const packages = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
    assert.deepEqual(packages.sort(), ['@parley', 'graphql', 'graphql-sse', 'graphql-ws']);
    return `${Math.round(size / 1000)} kB`;
  });
}

/** Registers an account, asks a question, and reads the stored answer. */
async function converse(url) {
  const signUp = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }';
  const input = { email: `${crypto.randomUUID()}@example.com`, password: 'correct horse battery' };
  const { register } = await request(url, signUp, { input });
  const ask = 'mutation { askQuestion(input: { question: "Hello!", stream: false }) { answer { id } } }';
  const { askQuestion } = await request(url, ask, {}, register.accessToken);
  const read = 'query ($id: ID!) { message(id: $id) { status content } }';
  const { message } = await request(url, read, askQuestion.answer, register.accessToken);
  assert.equal(message.status, 'COMPLETED');
  assert.match(message.content, /Parley/);
}

async function request(url, query, variables, token) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/**
 * Requests the files of the playground and the web chat, most of which a browser loads when it needs them. Returns their
 * sizes by name.
 */
async function readAssets(clone, url) {
  const sizes = {};
  for (const [folder, path] of [
    ['playground', '/graphql/playground/assets'],
    ['web', '/assets'],
  ])
    for (const file of readdirSync(join(clone, 'dist', folder, 'assets'))) {
      const response = await fetch(`${url}${path}/${file}`);
      assert.equal(response.status, 200, file);
      sizes[file] = (await response.arrayBuffer()).byteLength;
    }
  return sizes;
}

function assertFewWarnings(output) {
  const lines = output.split('\n').filter((line) => /warn|deprecated|EBADENGINE/i.test(line));
  assert.ok(lines.length <= MAX_WARNINGS, `${lines.length} lines of warnings:\n${output}`);
}

/** Returns the size of node_modules. */
function assertWeight(folder, maximum) {
  const output = execFileSync('du', ['-sm', '--apparent-size', join(folder, 'node_modules')], { encoding: 'utf8' });
  const size = Number.parseInt(output, 10);
  assert.ok(size <= maximum, `node_modules has ${size} MB, the limit is ${maximum} MB`);
  return `${size} MB`;
}

async function step(name, run) {
  const began = performance.now();
  const result = await run();
  const note = typeof result === 'string' ? `, ${result}` : '';
  console.log(`✓ ${name} (${((performance.now() - began) / 1000).toFixed(1)} s${note})`);
  return result;
}
