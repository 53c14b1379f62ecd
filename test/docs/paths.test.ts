import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const read = (file: string) => readFileSync(file, 'utf8');
const pages = globSync(['*.md', 'docs/**/*.md']).sort();
const files = globSync(['*', '.*', '{.ci,bench,client,deploy,docs,playground,schema,scripts,src,test}/**/{*,.*}'], {
  exclude: ['client/dist/**'],
});

/** Whether the path names a file: from the root, or from a folder that the sentence leaves out (`auth/email.ts`). */
function isFile(path: string): boolean {
  // A compiled file stands for its source.
  const source = path.replace(/^(\.\.?\/)+/, '').replace(/^dist\/(.*)\.js$/, '$1.ts');
  const pattern = source.replace(/[.]/g, '\\.').replaceAll('*', '[^/]*');
  // `.entity.ts` is the end of a name.
  const from = source.startsWith('.') ? '' : '(^|/)';
  return files.some((file) => new RegExp(`${from}${pattern}$`).test(file));
}

const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, match]) => match!);

/** The anchors that GitHub makes of a page's headings. */
const anchors = (text: string) =>
  matches(text, /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe.each(pages)('%s', (page) => {
  const text = read(page);

  test('links to pages and headings that exist', () => {
    const broken = matches(text, /\]\((?!\w+:)([^)]+)\)/g).filter((link) => {
      const [path, anchor] = link.split('#') as [string, string?];
      const target = path === '' ? page : join(dirname(page), path);
      return !existsSync(target) || (anchor !== undefined && !anchors(read(target)).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  test('names files that exist', () => {
    const named = matches(
      text,
      /(?<![\w./:-])([\w.*/-]*\.(?:ts|mjs|jsx|json|graphql|yml)|dist\/[\w./-]+\.js)(?![\w/(])/g,
    );
    expect(named.filter((path) => !isFile(path))).toEqual([]);
  });

  test('names folders that exist', () => {
    const named = matches(text, /`((?:bench|client|deploy|docs|playground|schema|scripts|src|test)\/[\w/-]*)`/g);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });
});

test('docs/architecture.md names the identifiers that its files hold', () => {
  const [, section] = read('docs/architecture.md').split(/^## Where is the code of a feature\?$/m);
  const rows = matches(section!.split(/^## /m)[0]!, /^\|(.*)\|$/gm)
    .slice(2)
    .map((row) => row.split('|').map((cell) => matches(cell, /`([^`]+)`/g)));
  expect(rows.length).toBeGreaterThan(20);
  const missing = rows.flatMap(([, paths, identifiers]) =>
    identifiers!.filter(
      (name) => !paths!.some((path) => existsSync(`src/${path}`) && read(`src/${path}`).includes(name)),
    ),
  );
  expect(missing).toEqual([]);
});
