import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Instance } from '../kit/instance.js';

/** Prints the modules of OpenTelemetry that a process loads. prom-client loads `@opentelemetry/api` in any case. */
const HOOK = `
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      if (/@opentelemetry\\/(?!api\\/)/.test(url)) process.stderr.write('loaded ' + url + '\\n');
      return next(url, context);
    },
  });`;

describe('the SDK of OpenTelemetry and its exporters', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'parley-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test.each([
    ['are not loaded without an endpoint', {}, false],
    // Shows that the hook works.
    ['are loaded with an endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, true],
  ])('%s', async (_description, settings, isLoaded) => {
    const hook = join(folder, 'hook.mjs');
    writeFileSync(hook, HOOK);
    await using instance = new Instance(folder, {
      NODE_OPTIONS: `--import ${hook}`,
      DATABASE_URL: 'sqlite::memory:',
      ...settings,
    });
    await instance.started;
    await instance.ready();
    expect(instance.output.includes('@opentelemetry')).toBe(isLoaded);
  });
});
