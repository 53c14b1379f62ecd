import 'reflect-metadata';
import { toDemo } from '../create-models.js';
import { startDemoServer } from '../demo/demo-server.js';
import { readConfiguration } from '../platform/config/configuration.js';
import { loadEnvFile } from '../platform/config/env-file.js';
import type { ProvidersConfiguration } from '../platform/config/provider.js';
import { Disposables } from '../platform/lifecycle/disposables.js';
import { runCommand } from './command.js';
import { formatFindings } from './finding.js';
import { checkProvider } from './provider-check/check-provider.js';

/** Faster than a person reads, and slow enough that an answer can be stopped. */
const DEMO_PACE = { firstTokenDelayMs: 20, tokenIntervalMs: 5 };

/**
 * Asks the configured provider in every way in which the server does, and prints what it can do, which way Parley takes and
 * what to set: `npm run provider:check`. The exit code is 1 if answers, titles or memory updates do not work.
 */
await runCommand(async () => {
  await using opened = new Disposables();
  const config = readConfiguration(process.env, loadEnvFile());
  if (!config.provider)
    console.log('No provider is configured: this is the built-in demo model. Set OPENAI_API_KEY or OPENAI_BASE_URL.');
  const provider = config.provider ?? toDemo(opened.use(await startDemoServer(DEMO_PACE)).baseUrl);
  console.log(describe(provider));
  const { findings, calls, tokens } = await checkProvider(config, provider);
  console.log(formatFindings(findings));
  console.log(`\n${calls} calls, ${tokens} tokens.`);
  const failed = findings.filter(({ state }) => state === 'failed').map(({ subject }) => subject);
  if (failed.length === 0) return;
  console.log(`Does not work: ${failed.join(', ')}.`);
  process.exitCode = 1;
});

function describe({ baseUrl, model, titleModel, memoryModel }: ProvidersConfiguration): string {
  const others = [
    ...(titleModel === model ? [] : [`titles: ${titleModel}`]),
    ...(memoryModel === model ? [] : [`memory: ${memoryModel}`]),
  ];
  return [`${model} at ${baseUrl ?? 'https://api.openai.com/v1'}`, ...others].join(', ');
}
