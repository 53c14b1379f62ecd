import { mkdtempSync } from 'node:fs';
import { chmod, chown, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD } from '../kit/build.js';
import { Instance } from '../kit/instance.js';
import { describeSqlite } from '../kit/postgres.js';

const MAIN = [process.execPath, join(BUILD, 'src/main.js')];

/** The superuser may write everything, so these tests run the server as another user if they run as root. */
const UNPRIVILEGED_ID = 65_534;
const isRoot = process.getuid?.() === 0;
const asUser = isRoot ? ['setpriv', `--reuid=${UNPRIVILEGED_ID}`, `--regid=${UNPRIVILEGED_ID}`, '--clear-groups'] : [];

describeSqlite('a SQLite database that cannot be used', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const instances: Instance[] = [];
  beforeAll(() => chmod(folder, 0o755));
  afterEach(() => Promise.all(instances.splice(0).map((instance) => instance.kill())));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function start(path: string, launcher: readonly string[] = []): Instance {
    const instance = new Instance(folder, { DATABASE_URL: `sqlite:${path}`, JWT_SECRET: 'x'.repeat(40) }, launcher);
    instances.push(instance);
    return instance;
  }

  /** Expects one line with the path, and exit code 1. */
  async function expectRefusal(server: Instance, message: string): Promise<void> {
    expect(await server.exited).toBe(1);
    expect(server.output).toBe(`Parley could not start: ${message}\n`);
  }

  test('a folder at the path', async () => {
    const path = join(folder, 'folder');
    await mkdir(path);
    await expectRefusal(
      start(path),
      `${path} is a folder: set DATABASE_URL to a file, such as sqlite:${path}/parley.db.`,
    );
  });

  test('another kind of file at the path', async () => {
    const path = join(folder, 'notes.txt');
    await writeFile(path, 'Notes. '.repeat(1_000));
    await expectRefusal(start(path), `${path} is not an SQLite database: move it away, or correct DATABASE_URL.`);
  });

  test('a path below a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expectRefusal(
      start(join(file, 'deeper', 'parley.db')),
      `Cannot create the folder ${file}/deeper (ENOTDIR): create it, or correct DATABASE_URL.`,
    );
  });

  test('a folder without permission to write', async () => {
    const closed = join(folder, 'closed');
    await mkdir(closed, { mode: 0o555 });
    const path = join(closed, 'parley.db');
    await expectRefusal(
      start(path, [...asUser, ...MAIN]),
      `Cannot open the database ${path}: check the permissions of the file and its folder.`,
    );
  });

  test('a read-only file', async () => {
    const open = join(folder, 'open');
    const path = join(open, 'parley.db');
    await mkdir(open);
    const first = start(path);
    await first.started;
    await first.stop();
    if (isRoot) await chown(open, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    await chmod(path, 0o444);
    await rm(`${path}.lock`);
    await expectRefusal(
      start(path, [...asUser, ...MAIN]),
      `Cannot write the database ${path}: make the file and its folder writable.`,
    );
  });

  test('a disk that accepts no more data', async () => {
    const path = join(folder, 'limited.db');
    const server = start(path, ['prlimit', '--fsize=65536', ...MAIN]);
    expect(await server.exited).toBe(1);
    expect(server.output).toMatch(new RegExp(`Cannot write the database ${path} \\(SQLITE_IOERR.*\\): check the disk`));
  });

  test('a second server on the same file, until the first one is killed', async () => {
    const path = join(folder, 'shared.db');
    const first = start(path);
    await first.started;
    const link = join(folder, 'link.db');
    await symlink(path, link);
    for (const same of [path, link])
      await expectRefusal(
        start(same),
        `Another server uses the database ${same}: stop it, or set DATABASE_URL to another file.`,
      );
    await first.kill();
    const next = start(path);
    await next.started;
  });
});
