/** Starts and stops servers such as PostgreSQL and Redis, for `test:scale` and for tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A required program is not installed. */
export class MissingError extends Error {}

/** Starts a server. Resolves with its process when its output matches `ready`. */
export async function startProcess(command, args, options, ready) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        output = (output + bytes).slice(-10_000);
        if (ready.test(output)) resolve();
      });
    child.once('exit', () => reject(new Error(`${command} exited:\n${output}`)));
    child.once('error', reject);
  });
  return child;
}

/** Sends a signal. Resolves when the process has exited. */
export async function endProcess(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

export async function findFreePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
