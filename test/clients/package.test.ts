import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const MAX_BYTES = 100_000;
const ROOT = process.cwd();

/** Those of a project that a bundler builds. */
const COMPILER_OPTIONS = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  module: 'esnext',
  moduleResolution: 'bundler',
};

const OPERATION = 'query Mine { me { id createdAt } }\n';
/** Compiles only if the generated types have the scalars of the shipped configuration. */
const USE = `import { MineDocument, type MineQuery } from './generated/graphql';
export const toIds = ({ me: { id, createdAt } }: MineQuery): string[] => [id, createdAt];
export const { kind } = MineDocument;
`;

/** The project of a front end that has installed the archive of `npm pack`. */
async function withProject(test: (project: string, files: string[], archive: string) => Promise<void>): Promise<void> {
  // Within the repository, where the tools are found. Ignored by git.
  const project = mkdtempSync(join(ROOT, '.build-package-'));
  try {
    const installed = join(project, 'node_modules/@parley/client');
    mkdirSync(installed, { recursive: true });
    await run('npm', ['pack', '--workspace', 'client', '--pack-destination', project], { cwd: ROOT });
    const archive = join(
      project,
      readdirSync(project).find((name) => name.endsWith('.tgz'))!,
    );
    await run('tar', ['-xzf', archive, '-C', installed, '--strip-components', '1']);
    await test(project, readdirSync(installed, { recursive: true, encoding: 'utf8' }), archive);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}

test('the archive of the client is small, has types and the schema, and generates documents', () =>
  withProject(async (project, files, archive) => {
    expect(statSync(archive).size).toBeLessThan(MAX_BYTES);
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'client/package.json'), 'utf8')) as {
      exports: Record<string, string | Record<string, string>>;
    };
    const named = Object.values(exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : [entry['types']!, entry['default']!],
    );
    expect(named.filter((path) => !files.includes(path.replace('./', '')))).toEqual([]);
    expect(files.filter((path) => /^(src|test)\b/.test(path))).toEqual([]);

    mkdirSync(join(project, 'src'));
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
    writeFileSync(join(project, 'src/mine.graphql'), OPERATION);
    writeFileSync(join(project, 'src/use.ts'), USE);
    const codegen = join(ROOT, 'node_modules/@graphql-codegen/cli/esm/bin.js');
    await run(process.execPath, [codegen, '--config', 'node_modules/@parley/client/codegen.yml'], { cwd: project });
    const compiler = join(ROOT, 'node_modules/typescript-native/bin/tsc');
    await run(process.execPath, [compiler, '--project', '.'], { cwd: project }).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
  }));
