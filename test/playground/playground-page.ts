import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { ModelName } from './monaco.js';

/** The playground in a browser without stored data. */
export class PlaygroundPage implements AsyncDisposable {
  /** Requested addresses on other servers. */
  readonly elsewhere: string[] = [];
  /** Messages of uncaught errors. */
  readonly mistakes: string[] = [];

  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {
    const note = (address: string) => {
      if (!/^(data|blob):/.test(address) && new URL(address).host !== new URL(url).host) this.elsewhere.push(address);
    };
    context.on('request', (request) => note(request.url()));
    page.on('websocket', (socket) => note(socket.url()));
    page.on('pageerror', (error) => this.mistakes.push(error.message));
  }

  static async open(browser: Browser, url: string, viewport = { width: 1280, height: 800 }): Promise<PlaygroundPage> {
    const context = await browser.newContext({ viewport });
    // Browsers are slow while other tests run.
    context.setDefaultTimeout(90_000);
    const playground = new PlaygroundPage(context, await context.newPage(), url);
    await playground.page.goto(`${url}/graphql`);
    await playground.#ready();
    return playground;
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.#ready();
  }

  /** Waits for the editors. Until then the execute button does nothing. */
  async #ready(): Promise<void> {
    await this.page.locator('.result-window .view-lines').waitFor({ state: 'attached' });
    await this.page.locator('.graphiql-query-editor .view-lines').waitFor();
  }

  /** Returns the names of all tabs. */
  tabs(): Promise<string[]> {
    return this.page.getByLabel('All tabs').locator('option').allTextContents();
  }

  async select(tab: string): Promise<void> {
    await this.page.getByLabel('All tabs').selectOption({ label: tab });
  }

  /** Runs a tab without waiting for a result. */
  async start(tab: string): Promise<void> {
    await this.select(tab);
    await this.page.locator('button.graphiql-execute-button[aria-label^="Execute"]').click();
  }

  /** Runs a tab and returns the first result that is shown. */
  async run(tab: string) {
    await this.start(tab);
    await this.page.waitForFunction(() =>
      __MONACO.editor.getModels().some((it) => it.uri.path.endsWith('response.json') && it.getValue() !== ''),
    );
    return await this.result();
  }

  /** Returns the shown result, or null while it is empty. */
  async result() {
    return JSON.parse((await this.#read('response.json')) || 'null');
  }

  async setVariables(text: string): Promise<void> {
    await this.page.evaluate((value) => {
      __MONACO.editor
        .getModels()
        .find(({ uri }) => uri.path.endsWith('variables.json'))!
        .setValue(value);
    }, text);
  }

  #read(model: ModelName): Promise<string> {
    return this.page.evaluate(
      (name) =>
        __MONACO.editor
          .getModels()
          .find(({ uri }) => uri.path.endsWith(name))!
          .getValue(),
      model,
    );
  }

  /** Returns what the editors mark as wrong, once they know the operation of this tab. */
  complaints(): Promise<string[]> {
    return this.page.evaluate(async () => {
      const { editor, languages, MarkerSeverity } = __MONACO;
      const model = (name: ModelName) => editor.getModels().find(({ uri }) => uri.path.endsWith(name))!;
      const [query, variables] = [model('operation.graphql'), model('variables.json')];
      const declared = [...query.getValue().matchAll(/\$(\w+): *(\w*Input)?/g)].map(([, name, type]) => [
        name,
        type ? `#/definitions/${type}` : null,
      ]);
      const pause = (ms: number) => new Promise<null>((resolve) => setTimeout(() => resolve(null), ms));
      const deadline = Date.now() + 60_000;
      const knowsOperation = () => {
        const { schema } = languages.json.jsonDefaults.diagnosticsOptions.schemas?.[0] ?? {};
        const known = Object.entries(schema?.properties ?? {}).map(([name, { $ref }]) => [name, $ref ?? null]);
        return schema && JSON.stringify(known) === JSON.stringify(declared);
      };
      const validate = async () => {
        const worker = await (await languages.json.getWorker())(variables.uri);
        return await worker.doValidation(variables.uri.toString());
      };
      let inVariables = null;
      while (!inVariables) {
        if (Date.now() > deadline) throw new Error('The editors did not validate the variables within a minute.');
        // A change of the schema ends the worker, which then never answers, so ask again.
        inVariables = knowsOperation() ? await Promise.race([validate(), pause(2_000)]) : await pause(20);
      }
      const inQuery = editor
        .getModelMarkers({ resource: query.uri })
        .filter(({ severity }) => severity === MarkerSeverity.Error);
      return [...inVariables, ...inQuery].map(({ message }) => message);
    });
  }

  /** Returns the address of the signed-in account. */
  async email(): Promise<string> {
    return (await this.page.locator('#parley-account strong').textContent())!;
  }

  accessToken(): Promise<string> {
    return this.page.evaluate(`JSON.parse(sessionStorage.getItem('parley:session')).account.accessToken`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
