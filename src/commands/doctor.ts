import 'reflect-metadata';
import { ConfigurationError, readConfiguration } from '../platform/config/configuration.js';
import { loadEnvFile } from '../platform/config/env-file.js';
import { findUnknownSettings } from '../platform/config/unknown-settings.js';
import { createCommandLog, runCommand } from './command.js';
import { checkClock } from './doctor/check-clock.js';
import { checkDatabase } from './doctor/check-database.js';
import { checkDisk } from './doctor/check-disk.js';
import { checkIdentity } from './doctor/check-identity.js';
import { checkMail } from './doctor/check-mail.js';
import { checkProvider } from './doctor/check-provider.js';
import { checkRedis } from './doctor/check-redis.js';
import { formatFindings, type Finding } from './finding.js';

/**
 * Checks everything that a server needs, and prints what to do: `npm run doctor`. The exit code is 1 if something prevents a
 * server from working. A server may run meanwhile.
 */
await runCommand(async () => {
  const findings = await examine();
  console.log(formatFindings(findings));
  if (findings.some(({ state }) => state === 'failed')) process.exitCode = 1;
});

/** What the server logs as warnings when it starts. */
function findUnknown(): Finding[] {
  return findUnknownSettings(Object.keys(process.env)).map(({ name, advice }) => ({
    subject: 'Settings',
    state: 'warning',
    text: `${name}: unknown setting; ${advice}`,
  }));
}

async function examine(): Promise<Finding[]> {
  const log = createCommandLog();
  try {
    const config = readConfiguration(process.env, loadEnvFile());
    const settings: Finding = { subject: 'Settings', state: 'ok', text: `valid, for ${config.environment}` };
    const node: Finding = { subject: 'Node.js', state: 'ok', text: process.versions.node };
    // At once, because each waits for what cannot be reached.
    const [database, redis, provider, mail, identity, clock] = await Promise.all([
      checkDatabase(config.database),
      checkRedis(config.redis, log),
      checkProvider(config),
      checkMail(config),
      checkIdentity(config),
      checkClock(config, log),
    ]);
    const services = [redis, provider, mail, identity];
    return [node, settings, ...findUnknown(), ...database, ...services, checkDisk(config.database), clock];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const mistakes = error.mistakes.map((text): Finding => ({ subject: 'Settings', state: 'failed', text }));
    return [...mistakes, { subject: 'Others', state: 'skipped', text: 'correct the settings first' }];
  }
}
