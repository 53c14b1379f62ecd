/** Compiles at every change and restarts the server: `npm run dev`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const start = (command, args) =>
  spawn(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });

await new Promise((resolve, reject) => {
  start('node', ['scripts/build.mjs', '--if-needed']).once('exit', (code) =>
    code === 0 ? resolve() : reject(new Error('The build failed.')),
  );
});
const children = [
  start('tsc', ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput']),
  start('node', ['--watch', '--watch-preserve-output', 'dist/src/main.js']),
];
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => children.forEach((child) => child.kill(signal)));
