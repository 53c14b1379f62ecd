/** Other people's servers as processes: for `test:scale` and for tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Something has to be installed. */
export class MissingError extends Error {}

/** Starts a server; resolves with its process once its output says that it is ready. */
export async function serve(command, args, options, ready) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        output = (output + bytes).slice(-10_000);
        if (ready.test(output)) resolve();
      });
    child.once('exit', () => reject(new Error(`${command} has ended:\n${output}`)));
    child.once('error', reject);
  });
  return child;
}

/** Resolves when it has ended. */
export async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
