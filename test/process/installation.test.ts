import { globSync, readFileSync } from 'node:fs';

interface Manifest {
  dependencies: Record<string, string>;
  engines: { node: string };
  scripts: Record<string, string>;
  optionalDependencies: Record<string, string>;
}
interface Lock {
  packages: Record<string, { dev?: boolean; engines?: { node?: string } }>;
}

const read = <T>(file: string) => JSON.parse(readFileSync(file, 'utf8')) as T;
const manifest = read<Manifest>('package.json');
const lock = read<Lock>('package-lock.json');

describe('npm ci', () => {
  test('installs a Node.js only if the one of the system is too old', () => {
    // Updating these packages removes `engines` from the lock file: restore it (decision 0005).
    const minimum = manifest.engines.node.replace('>=', '');
    for (const name of Object.keys(manifest.optionalDependencies))
      expect([name, lock.packages[`node_modules/${name}`]!.engines]).toEqual([name, { node: `<${minimum}` }]);
  });

  test('leaves out what only front ends need, with --omit=dev', () => {
    // npm installs an optional peer of a workspace that anything else needs, unless it is a development dependency, too.
    const { peerDependencies, devDependencies } = read<Record<string, Record<string, string>>>('client/package.json');
    for (const name of Object.keys(peerDependencies!)) expect(Object.keys(devDependencies!)).toContain(name);
    for (const name of ['@apollo/client', 'react', 'urql'])
      expect([name, lock.packages[`node_modules/${name}`]!.dev]).toEqual([name, true]);
  });
});

test('the dependencies are the packages that the server imports, so that it runs without the others', () => {
  const imports = globSync('src/**/*.ts').flatMap((file) => [
    ...readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}) (?:.* from )?'((?:@[^/']+\/)?[^./':][^/':]*)['/]/gm),
  ]);
  const imported = new Set(imports.map(([, name]) => name!));
  expect([...imported].sort()).toEqual(Object.keys(manifest.dependencies).sort());
});

describe('the scripts of package.json', () => {
  test('do not use pre and post scripts, which npm skips with ignore-scripts', () => {
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)/.test(name))).toEqual([]);
    expect(readFileSync('.npmrc', 'utf8')).toMatch(/^ignore-scripts=true$/m);
  });

  test('replace the shell with the server, because a shell does not forward signals of npm', () => {
    for (const name of ['start', 'dev']) expect(manifest.scripts[name]).toMatch(/^exec /);
  });
});
