/**
 * Runs Node.js with the arguments given, in a version that the server can run on: this one if it is new enough, else
 * the one that came along in node_modules (see docs/decisions/0005). Written so that any Node.js since 18 can run it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..');
const [major, minor] = process.versions.node.split('.').map(Number);
const isNewEnough = major > 22 || (major === 22 && minor >= 17);

const [first = '', ...rest] = process.argv.slice(2);
if (isNewEnough && !first.startsWith('-')) {
  process.argv.splice(1, 1);
  await import(pathToFileURL(resolve(first)).href);
} else {
  run(isNewEnough ? process.execPath : cameAlong());
}

function cameAlong() {
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const node = join(root, `node_modules/node-${os}-${process.arch}/bin/node${os === 'win' ? '.exe' : ''}`);
  if (existsSync(node)) return node;
  console.error(`Parley needs Node.js 22.17 or later, and this is ${process.versions.node}. Install a newer one.`);
  process.exit(1);
}

function run(node) {
  // Tools that are started from here, such as the compiler, find this version too.
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const child = spawn(node, [first, ...rest], { stdio: 'inherit', env });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  // A terminal sends this one to both.
  process.on('SIGINT', () => {});
  child.once('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
  child.once('exit', (code) => process.exit(code ?? 1));
}
