/**
 * Everything that must hold besides the tests: format, lint, types, and that what is generated (schema, typed
 * documents, migrations) is in step with what it is generated from. Drift is told by comparing files, so it works in
 * any state of the work tree; afterwards they are as they should be.
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const steps = [
  ['format', 'prettier --check --log-level warn .', 'Run `npm run format`.'],
  ['types', 'tsc --noEmit', ''],
  ['playground types', 'tsc -p playground', ''],
  ['lint', 'eslint . --max-warnings 0', ''],
  ['migrations', 'npm run --silent migration:check', ''],
];
const generated = ['schema/schema.graphql', 'src/client/generated/*.ts'];

let failed = 0;
for (const [name, command, advice] of steps) report(name, run(command), advice);

const before = contents();
const ran = run('npm run --silent codegen');
report(
  'schema and typed documents',
  ran && before === contents(),
  'They were out of date and are new now: commit them.',
);

console.log(failed === 0 ? '\nAll checks passed.' : `\n${failed} of the checks failed.`);
process.exit(failed === 0 ? 0 : 1);

function run(command) {
  const { status, stdout, stderr } = spawnSync(command, { cwd: root, shell: true, encoding: 'utf8' });
  if (status !== 0) process.stdout.write(stdout + stderr);
  return status === 0;
}

function report(name, passed, advice) {
  if (!passed) failed += 1;
  console.log(`${passed ? '✓' : '✗'} ${name}${passed || !advice ? '' : `: ${advice}`}`);
}

function contents() {
  return globSync(generated, { cwd: root })
    .sort()
    .map((file) => `${file}\n${readFileSync(join(root, file), 'utf8')}`)
    .join('\n');
}
