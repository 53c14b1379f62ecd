/**
 * Runs a script with a supported version of Node.js: the current one if it is new enough, otherwise the one that npm
 * installed in node_modules (see docs/decisions/0005). This file must run on Node.js 18 and later.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
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
  run(isNewEnough ? process.execPath : findBundledNode());
}

function findBundledNode() {
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const node = join(root, `node_modules/node-${os}-${process.arch}/bin/node${os === 'win' ? '.exe' : ''}`);
  if (existsSync(node)) return node;
  console.error(`Node.js ${process.versions.node} is too old. Run npm ci again, or install version 22.17 or later.`);
  process.exit(1);
}

function run(node) {
  // Tools that the script starts, such as the compiler, must use the same version.
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const child = spawn(node, [first, ...rest], { stdio: 'inherit', env });
  // A signal that was sent to the process group arrives twice. The server counts both as one request.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
