import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../kit/browser.js';
import { FrontEnd } from '../kit/front-end.js';

const HTML = '<div id="root"></div><script type="module" src="./main.tsx"></script>';
const CONFIGURATION = { compilerOptions: { jsx: 'react-jsx' } };

/** A page of a front end whose code is a sample of docs/clients.md. */
export class SamplePage implements AsyncDisposable {
  /** Within the repository, for the packages. Ignored by git. */
  readonly #path = mkdtempSync(join(process.cwd(), '.build-sample-page-'));

  constructor(code: string) {
    writeFileSync(join(this.#path, 'index.html'), HTML);
    writeFileSync(join(this.#path, 'tsconfig.json'), JSON.stringify(CONFIGURATION));
    writeFileSync(join(this.#path, 'main.tsx'), code);
  }

  /** Opens the page in a browser, from the origin of a server. */
  async run(origin: string, use: (page: Page) => Promise<void>): Promise<void> {
    await using frontEnd = await FrontEnd.build(this.#path);
    const browser = await launchBrowser();
    try {
      await use(await frontEnd.open(browser, origin));
    } finally {
      await browser.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}
