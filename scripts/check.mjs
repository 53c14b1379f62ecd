/**
 * Runs all checks except the tests: format, types, lint, import cycles, migrations and generated files. To find outdated
 * generated files it regenerates and compares them, so it also works in a work tree with uncommitted changes.
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const steps = [
  ['format', 'prettier --check --log-level warn .', 'run `npm run format`'],
  ['types', 'tsc --noEmit', ''],
  ['playground types', 'tsc -p playground', ''],
  ['web chat types', 'tsc -p web', ''],
  ['types of the examples', 'tsc -p examples', ''],
  ['front ends of tests', 'tsc -p test/front-ends/adapters', ''],
  ['lint', 'eslint . --max-warnings 0', ''],
  ['import cycles', 'npm run --silent lint:cycles', ''],
  ['migrations', 'npm run --silent migration:check', ''],
];
const generated = ['schema/schema.graphql', 'schema/trusted-documents.json', 'client/src/generated/*.ts'];

let failed = 0;
for (const [name, command, advice] of steps) report(name, run(command), advice);

const before = readGenerated();
const succeeded = run('npm run --silent codegen');
report(
  'schema and typed documents',
  succeeded && before === readGenerated(),
  'were outdated and have been regenerated; commit them',
);

console.log(failed === 0 ? '\nAll checks passed.' : `\n${failed} ${failed === 1 ? 'check' : 'checks'} failed.`);
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

function readGenerated() {
  return globSync(generated, { cwd: root })
    .sort()
    .map((file) => `${file}\n${readFileSync(join(root, file), 'utf8')}`)
    .join('\n');
}
