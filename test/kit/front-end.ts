import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';

/** A front end that Vite has bundled with the installed package @parley/client. */
export class FrontEnd implements AsyncDisposable {
  private constructor(private readonly folder: string) {}

  /** @param root the folder of its index.html, within the repository */
  static async build(root: string): Promise<FrontEnd> {
    const folder = mkdtempSync(join(process.cwd(), '.build-front-end-'));
    const vite = join(process.cwd(), 'node_modules/vite/bin/vite.js');
    const args = ['build', root, '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'];
    const env = { ...process.env, NODE_ENV: 'production' };
    const child = spawn(process.execPath, [vite, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
    const [code] = (await once(child, 'close')) as [number];
    const built = new FrontEnd(folder);
    if (code === 0) return built;
    await built[Symbol.asyncDispose]();
    throw new Error(`${root} could not be built:\n${output}`);
  }

  /** Opens the front end without stored data, from the origin of a server, which gets all requests but those for files. */
  async open(browser: Browser, origin: string, path = '/'): Promise<Page> {
    // Chromium does not know that a page whose files are not from the network is a local one, too.
    const context = await browser.newContext({ permissions: ['local-network-access'] });
    // Browsers are slow while other tests run.
    context.setDefaultTimeout(60_000);
    const isFile = ({ origin: of, pathname }: URL) => of === origin && /^\/($|assets\/)/.test(pathname);
    await context.route(isFile, (route) => {
      const { pathname } = new URL(route.request().url());
      return route.fulfill({ path: join(this.folder, pathname === '/' ? 'index.html' : pathname) });
    });
    const page = await context.newPage();
    await page.goto(origin + path);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
