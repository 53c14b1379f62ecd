import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ToolServer } from './tool-server.js';

/** An operator's look-up `stock` that responds when it is released. */
export class HeldTool implements AsyncDisposable {
  #released = Promise.withResolvers<void>();

  private constructor(
    private readonly server: ToolServer,
    private readonly folder: string,
  ) {
    server.respond = async (_request, response) => {
      await this.#released.promise;
      ToolServer.send(response, { stock: 3 });
    };
  }

  static async start(): Promise<HeldTool> {
    const server = await ToolServer.start();
    const tool = new HeldTool(server, await mkdtemp(join(tmpdir(), 'parley-tool-')));
    const input = { type: 'object', properties: { sku: { type: 'string' } } };
    const description = 'Looks up the stock.';
    const stock = { name: 'stock', description, input, url: server.url, timeout: '60s', allowPrivate: true };
    await writeFile(tool.settings.TOOLS_FILE, JSON.stringify({ tools: [stock] }));
    return tool;
  }

  /** What a server needs to offer it. */
  get settings() {
    return { TOOLS_FILE: join(this.folder, 'tools.json') };
  }

  release(): void {
    this.#released.resolve();
  }

  /** Lets the next look-ups wait again. */
  hold(): void {
    this.#released = Promise.withResolvers<void>();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
