/**
 * Compiles the server and the client package, and bundles the playground and the web chat.
 *
 * Servers run from dist/. Only `npm run build`, `npm start` and `npm run dev` write to it. Commands and tests use dist/ if
 * it is up to date. Otherwise they build into .build/, because a server may be running from dist/. Each build uses a new
 * folder, which replaces the old one when it is complete.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const dist = join(root, 'dist');
export const compiler = join(root, 'node_modules/typescript-native/bin/tsc');
const bundler = join(root, 'node_modules/vite/bin/vite.js');

/** The sources include folders, because the modification time of a folder changes when a file in it is deleted. */
const parts = [
  {
    stamp: '.server',
    sources: ['{src,bench}', '{src,bench}/**', 'mikro-orm.config.ts', 'tsconfig*.json', 'package-lock.json'],
    results: ['src', 'bench', 'mikro-orm.config.*'],
    tool: compiler,
    entry: 'src/main.ts',
    args: (folder) => ['-p', 'tsconfig.build.json', '--outDir', folder],
  },
  {
    stamp: '.playground',
    sources: ['playground', 'playground/**', 'schema/operations', 'schema/operations/*', 'package-lock.json'],
    results: ['playground'],
    tool: bundler,
    entry: 'playground/index.html',
    args: (folder) => ['build', 'playground', '--outDir', join(folder, 'playground'), '--logLevel', 'warn'],
  },
  {
    stamp: '.web',
    sources: ['web', 'web/**', 'client/src/**', 'package-lock.json'],
    results: ['web'],
    tool: bundler,
    entry: 'web/index.html',
    args: (folder) => ['build', 'web', '--outDir', join(folder, 'web'), '--logLevel', 'warn'],
  },
];
const [server] = parts;

const client = {
  stamp: '.client',
  sources: ['client/src', 'client/src/**', 'client/tsconfig.json', 'tsconfig.json', 'schema/**', 'package-lock.json'],
  tool: compiler,
  entry: 'client/src/index.ts',
  args: (folder) => ['-p', 'client', '--outDir', folder],
};

/**
 * Returns a folder with an up-to-date build: dist/ if possible, otherwise .build/.
 * @param whole whether the playground and the web chat are required too
 */
export async function ensureBuild({ whole = false } = {}) {
  if (whole) await buildClient();
  const wanted = whole ? parts : [server];
  if (wanted.every((part) => isFresh(dist, part))) return dist;
  const folder = join(root, '.build');
  await build(folder, { wanted });
  return folder;
}

/** Builds the parts that are out of date, or all with `force`. Skips a part whose tool or sources are missing. */
export async function build(folder, { wanted = parts, force = false } = {}) {
  if (wanted.length > 1) await buildClient({ force });
  const stale = wanted.filter((part) => canBuild(part) && (force || !isFresh(folder, part)));
  if (stale.length > 0) await replace(folder, stale, force);
  if (existsSync(join(folder, server.stamp))) return;
  console.error('The server is not built. Run `npm ci --include=dev`, then `npm run build`.');
  process.exit(1);
}

async function replace(folder, stale, force) {
  // To stderr, because stdout is for the output of the command.
  console.error(`Building Parley into ${basename(folder)}/ …`);
  const began = Date.now();
  const next = join(root, `.build-${randomUUID()}`);
  mkdirSync(next);
  const children = [];
  const stop = () => {
    for (const child of children) child.kill();
    rmSync(next, { recursive: true, force: true });
    process.exit(1);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  for (const part of parts) {
    if (stale.includes(part) || !isFresh(folder, part)) continue;
    for (const name of globSync([...part.results, part.stamp], { cwd: folder }))
      cpSync(join(folder, name), join(next, name), { recursive: true, preserveTimestamps: true });
  }
  try {
    await Promise.all(stale.map((part) => runTool(part, next, children)));
  } catch (error) {
    console.error(error.message);
    stop();
  }
  process.off('SIGINT', stop).off('SIGTERM', stop);
  for (const part of stale) markBuilt(next, part, began);
  // Another process may have finished the same build meanwhile, and may run from it.
  if (force || !stale.every((part) => isFresh(folder, part))) swap(next, folder);
  rmSync(next, { recursive: true, force: true });
  console.error(`Built in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
}

/**
 * Compiles @parley/client into client/dist/, with the schema and the operations that it ships. It replaces the folder in
 * place, because no server runs from it.
 */
async function buildClient({ force = false } = {}) {
  const folder = join(root, 'client/dist');
  if (!canBuild(client) || (!force && isFresh(folder, client))) return;
  const began = Date.now();
  const next = join(root, `.build-${randomUUID()}`);
  try {
    await runTool(client, next, []);
    cpSync(join(root, 'schema/schema.graphql'), join(next, 'schema.graphql'));
    cpSync(join(root, 'schema/operations'), join(next, 'operations'), { recursive: true });
  } catch (error) {
    rmSync(next, { recursive: true, force: true });
    console.error(error.message);
    process.exit(1);
  }
  markBuilt(next, client, began);
  swap(next, folder);
}

/** Runs the tool of a part. */
function runTool({ tool, args }, folder, children) {
  // Vite would bundle the slow variant of React for tests.
  const env = { ...process.env, NODE_ENV: 'production' };
  const child = spawn(process.execPath, [tool, ...args(folder)], { cwd: root, env, stdio: 'inherit' });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error('The build failed.'))));
  });
}

/** A production installation has no tools, and an image does not have all sources. */
function canBuild({ tool, entry }) {
  return existsSync(tool) && existsSync(join(root, entry));
}

function isFresh(folder, part) {
  const file = join(folder, part.stamp);
  if (!existsSync(file)) return false;
  if (!canBuild(part)) return true;
  const built = statSync(file).mtimeMs;
  return globSync(part.sources, { cwd: root }).every((source) => statSync(join(root, source)).mtimeMs <= built);
}

function markBuilt(folder, { stamp }, began) {
  writeFileSync(join(folder, stamp), '');
  // Use the start time, so that a file saved during the build is newer than the build.
  utimesSync(join(folder, stamp), began / 1000, began / 1000);
}

function swap(next, folder) {
  const old = `${next}-old`;
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(next, folder);
  rmSync(old, { recursive: true, force: true });
}
