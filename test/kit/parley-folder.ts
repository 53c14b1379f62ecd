import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Instance } from './instance.js';

const ROOT = process.cwd();

/** A folder in which a command of the documents finds what it finds in the folder of Parley, and its own database. */
export class ParleyFolder implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), 'parley-folder-'));

  constructor() {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    for (const [name, script] of Object.entries(scripts))
      scripts[name] = script.replaceAll(/(?<= )(scripts|node_modules)\//g, `${ROOT}/$1/`);
    writeFileSync(join(this.path, 'package.json'), JSON.stringify({ name: 'parley', type: 'module', scripts }));
    symlinkSync(join(ROOT, 'node_modules'), join(this.path, 'node_modules'));
  }

  /** Starts a server on the database that the commands in this folder use by default. */
  serve(settings: Record<string, string> = {}): Instance {
    return new Instance(this.path, settings);
  }

  /** Runs a shell script. Returns its standard output, or throws with all output if it fails. */
  async run(script: string): Promise<string> {
    const child = spawn('sh', ['-e', '-c', script], {
      cwd: this.path,
      env: { PATH: process.env['PATH'], HOME: this.path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    if (code !== 0) throw new Error(`This script failed with ${code}:\n${script}\n${stdout}${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
