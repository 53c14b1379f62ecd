import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findFreePort } from './free-port.js';
import { until } from './until.js';

/** Debian installs nginx into a folder that is not on the PATH of all users. */
const NGINX = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map((folder) => join(folder, 'nginx'))
  .find((file) => existsSync(file));

/** For suites that require nginx. Skipped, with a message, if it is not installed. */
export const describeNginx = NGINX ? describe : describe.skip;
if (!NGINX) console.warn('nginx is not installed: the tests of proxies are skipped. Install nginx-light to run them.');

/** An nginx in front of a server. Everything that it writes is in a folder of its own. */
export class Nginx implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'parley-nginx-'));
  #process: ChildProcess | null = null;

  private constructor(private readonly port: number) {}

  /** Starts nginx with default settings, except those that a WebSocket requires. */
  static async start(target: string): Promise<Nginx> {
    const nginx = new Nginx(await findFreePort());
    await nginx.#start(target).catch(async (error: unknown) => {
      await nginx[Symbol.asyncDispose]();
      throw error;
    });
    return nginx;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async #start(target: string): Promise<void> {
    writeFileSync(join(this.#folder, 'nginx.conf'), toConfiguration(this.port, target));
    const child = spawn(NGINX!, ['-p', this.#folder, '-c', 'nginx.conf', '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let output = '';
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.once('error', (error) => (output += error.message));
    await until(async () => {
      if (child.exitCode !== null || child.pid === undefined) throw new Error(`nginx did not start: ${output}`);
      return await accepts(this.port);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A single process, so that none is left when it is killed. */
const toConfiguration = (port: number, target: string): string => `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${target};
    }
    location = /graphql {
      proxy_pass ${target};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }
  }
}
`;

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => void (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
