/** A machine on which only Node.js, one version of npm, git, sh and coreutils are installed. Runs on Node.js 20. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const COREUTILS =
  'basename cat chmod cp cut date dirname du echo env expr false head id ln ls mkdir mktemp mv nproc printf pwd readlink ' +
  'realpath rm rmdir seq sleep sort stat stty tail tee test touch tr true tty uname uniq wc whoami';

/** Settings of npm that are needed to reach the registry, and its cache. */
const NPM_SETTINGS = ['registry', 'cafile', 'proxy', 'https-proxy', 'noproxy', 'cache'];
const INHERITED = /^(NODE_EXTRA_CA_CERTS|(https?|no)_proxy)$/i;

const OUTPUT_LIMIT = 200_000;

export class BareMachine {
  /** The version of npm. */
  npmVersion;
  #env;
  #processes = new Set();

  /**
   * Installs npm.
   * @param folder an empty folder for npm, PATH and HOME
   * @param version of npm, or a tag such as `latest`
   */
  constructor(folder, version) {
    const bin = join(folder, 'bin');
    const home = join(folder, 'home');
    const npm = join(folder, 'npm');
    for (const path of [bin, home, npm]) mkdirSync(path);
    execFileSync('npm', ['install', '--prefix', npm, '--no-audit', '--no-fund', '--loglevel=error', `npm@${version}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    symlinkSync(join(npm, 'node_modules/npm/bin/npm-cli.js'), join(bin, 'npm'));
    symlinkSync(join(npm, 'node_modules/npm/bin/npx-cli.js'), join(bin, 'npx'));
    for (const name of ['node', 'git', 'sh']) symlinkSync(findProgram(name), join(bin, name));
    for (const name of COREUTILS.split(' ')) if (findProgram(name)) symlinkSync(findProgram(name), join(bin, name));
    this.npmVersion = JSON.parse(readFileSync(join(npm, 'node_modules/npm/package.json'), 'utf8')).version;
    this.#env = { ...readEnvironment(), PATH: bin, HOME: home };
  }

  /**
   * Runs a command line to its end.
   * @throws Error with the output if it fails, or has not ended in time
   */
  async run(line, { folder, timeoutMs }) {
    const process = this.start('sh', ['-c', line], { folder });
    const timer = setTimeout(() => process.kill('SIGKILL'), timeoutMs);
    const code = await process.exited;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`${line} failed with ${code}:\n${process.stdout}${process.stderr}`);
    return process;
  }

  /** Starts a program in a process group of its own. */
  start(program, args, { folder, env = {} }) {
    const child = spawn(join(this.#env.PATH, program), args, {
      cwd: folder,
      env: { ...this.#env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const process = new RunningProcess(child);
    this.#processes.add(process);
    return process;
  }

  /** Ends all processes. */
  [Symbol.dispose]() {
    for (const process of this.#processes) process.kill('SIGKILL');
  }
}

class RunningProcess {
  stdout = '';
  stderr = '';
  /** Resolves with the exit code, or with the name of the signal that ended the process. */
  exited;
  #child;

  constructor(child) {
    this.#child = child;
    for (const name of ['stdout', 'stderr'])
      child[name].on('data', (bytes) => (this[name] = (this[name] + bytes).slice(-OUTPUT_LIMIT)));
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal));
    });
  }

  /** Sends a signal to the process only. */
  signal(name) {
    this.#child.kill(name);
  }

  /** Sends a signal to the process and its descendants. */
  kill(name) {
    try {
      process.kill(-this.#child.pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }

  /**
   * Resolves with the match when the standard output matches.
   * @throws Error with the output if the process ends, or the output does not match in time
   */
  async waitFor(pattern, timeoutMs) {
    const deadline = Date.now() + timeoutMs;
    let hasEnded = false;
    void this.exited.then(() => (hasEnded = true));
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match) return match;
      if (hasEnded || Date.now() > deadline)
        throw new Error(`Expected ${pattern} in the output:\n${this.stdout}${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Returns the path of a program of the system. npm scripts also find the Node.js in node_modules, which is another one. */
function findProgram(name) {
  const folders = process.env.PATH.split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function readEnvironment() {
  const lines = execFileSync('npm', ['config', 'get', ...NPM_SETTINGS], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const settings = lines.map((line) => line.split(/=(.*)/));
  return Object.fromEntries([
    ...Object.entries(process.env).filter(([name]) => INHERITED.test(name)),
    ...settings
      .filter(([, value]) => value && !['null', 'undefined'].includes(value))
      .map(([name, value]) => [`npm_config_${name.replaceAll('-', '_')}`, value]),
  ]);
}
