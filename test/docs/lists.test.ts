import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { countExampleLines } from '../../scripts/example-lines.mjs';

const read = (file: string) => readFileSync(file, 'utf8');
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, match]) => match!);

test('README.md and .env.example list the same settings', () => {
  const section = read('README.md').split('\n## Settings\n')[1]!.split('\n## ')[0]!;
  const listed = matches(section, /^\| `([A-Z_]+)`/gm);
  // README.md describes the variants that read a secret from a file in one sentence.
  const example = matches(read('.env.example'), /^#([A-Z_]+)=/gm).filter((name) => name !== 'JWT_SECRET_FILE');
  expect(listed.sort()).toEqual(example.sort());
});

test('docs/README.md lists all decisions', () => {
  const listed = matches(read('docs/README.md'), /\]\(decisions\/([^)]+)\)/g);
  expect(listed).toEqual(
    globSync('docs/decisions/*.md')
      .map((file) => basename(file))
      .sort(),
  );
});

test.each(globSync(['*.md', 'docs/**/*.md']).sort())('%s names npm scripts that exist', (page) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  expect(matches(read(page), /npm run ([\w:-]+)/g).filter((name) => !scripts[name])).toEqual([]);
});

test('package.json, package-lock.json and CHANGELOG.md name the same version', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const lock = JSON.parse(read('package-lock.json')) as {
    version: string;
    packages: Record<string, { version: string }>;
  };
  expect([lock.version, lock.packages['']!.version]).toEqual([version, version]);
  const headings = matches(read('CHANGELOG.md'), /^## (.+)$/gm);
  expect(headings[0]).toBe('[Unreleased]');
  expect(headings[1]).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/);
  expect(headings[1]).toContain(`[${version}]`);
});

test('README.md names the lines of the examples, which are fewer than 60', () => {
  const { 'Apollo Client': apollo, urql } = countExampleLines();
  expect(apollo).toBeLessThan(60);
  expect(urql).toBeLessThan(60);
  const text = read('README.md').replace(/\s+/g, ' ');
  expect(text).toContain(`takes ${apollo} lines beside its markup with Apollo Client`);
  expect(text).toContain(`and ${urql} lines with urql`);
});
