/**
 * Compiles the server into dist/, and bundles the playground beside it.
 *   --if-needed    do nothing when dist/ is newer than everything that it is made from
 *   --server-only  leave the playground as it is
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const sources = [
  'src/**/*',
  'bench/**/*.ts',
  'playground/**/*',
  'schema/operations/*',
  'mikro-orm.config.ts',
  'tsconfig*.json',
  'package-lock.json',
];
const stamp = join(root, 'dist/.built');
const require = createRequire(import.meta.url);

const flags = new Set(process.argv.slice(2));
const began = Date.now();

if (flags.has('--if-needed') && isFresh()) process.exit(0);

const whole = !flags.has('--server-only');
if (whole) console.log('Building Parley (once, and again only when its sources change) …');
// The compiler leaves files behind whose sources are gone, and a stale migration would be run.
clean(whole ? [] : ['playground']);
await Promise.all([run('tsc', ['-p', 'tsconfig.build.json']), whole ? buildPlayground() : undefined]);
if (whole) {
  writeFileSync(stamp, '');
  console.log(`Built in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
}

function isFresh() {
  if (!existsSync(stamp)) return false;
  const built = statSync(stamp).mtimeMs;
  return globSync(sources, { cwd: root }).every((file) => statSync(join(root, file)).mtimeMs <= built);
}

function clean(keep) {
  if (!existsSync(join(root, 'dist'))) return;
  for (const entry of readdirSync(join(root, 'dist'))) {
    if (!keep.includes(entry)) rmSync(join(root, 'dist', entry), { recursive: true, force: true });
  }
}

/** The playground's tools are development dependencies: an installation without them serves no playground. */
function buildPlayground() {
  try {
    require.resolve('vite');
  } catch {
    console.log('Without the development dependencies no playground is built.');
    return undefined;
  }
  return run('vite', ['build', 'playground', '--logLevel', 'warn']);
}

/** Runs a tool of node_modules/.bin, which npm has put on the PATH. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : process.exit(code ?? 1)));
  });
}
