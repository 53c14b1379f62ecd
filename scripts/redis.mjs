import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, findFreePort, MissingError, startProcess } from './processes.mjs';

/** An empty Redis on a free port of the loopback interface, which stores nothing on disk. Uses the installed `redis-server`. */
export class RedisServer {
  #child;
  #folder;

  constructor(child, folder, url) {
    this.#child = child;
    this.#folder = folder;
    this.url = url;
  }

  /** `detached` starts it in a process group of its own, which Ctrl-C does not reach. */
  static async start({ detached = false } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'parley-redis-'));
    const port = await findFreePort();
    const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    const ready = /Ready to accept connections/i;
    try {
      const child = await startProcess('redis-server', args.map(String), { cwd: folder, detached }, ready);
      return new RedisServer(child, folder, `redis://127.0.0.1:${port}`);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      if (error.code !== 'ENOENT') throw error;
      throw new MissingError(
        'redis-server not found: install it (Debian: apt-get install redis-server), or set TEST_REDIS_URL.',
      );
    }
  }

  /** Stops without waiting, for a process that is about to exit. */
  [Symbol.dispose]() {
    this.#child.kill('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose]() {
    await endProcess(this.#child, 'SIGTERM');
    this[Symbol.dispose]();
  }
}
