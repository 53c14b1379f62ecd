/** Runs the tests, with the arguments of this process; resolves with the exit code. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const jest = join(import.meta.dirname, '../node_modules/jest/bin/jest.js');

/** @param env what differs from this process's environment; undefined unsets */
export function runJest(env) {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, jest, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  // A terminal sends SIGINT to both.
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
