import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// What a benchmark has started and created is removed on exit, which a signal must not skip.
process.once('SIGTERM', () => process.exit(143));

/** Creates a folder that is removed when the process exits, also after an error. */
export function createTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
