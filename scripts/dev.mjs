/** Builds and starts the server. Compiles and restarts it when its sources change: `npm run dev`. */
import { spawn } from 'node:child_process';
import { build, compiler, dist, root } from './building.mjs';

await build(dist);

const children = [];
const start = (args, stdout) => {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['inherit', stdout, 'inherit'] });
  // If one process exits, end the other one.
  child.once('exit', () => stop('SIGTERM'));
  children.push(child);
  return child;
};
const stop = (signal) => children.forEach((child) => child.kill(signal));
process.on('SIGINT', stop).on('SIGTERM', stop);

const watch = ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'];
const compiling = start([compiler, ...watch, ...(process.stdout.isTTY ? ['--pretty'] : [])], 'pipe');
let server = null;
compiling.stdout.on('data', (output) => {
  process.stdout.write(output);
  // Start after the first compilation, because it writes all files and each would restart the server.
  if (/Watching for file changes/.test(output))
    server ??= start(['--watch', '--watch-preserve-output', 'dist/src/main.js'], 'inherit');
});
