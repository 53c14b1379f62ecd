import { globSync, readFileSync } from 'node:fs';

/** A code block of a Markdown page. */
export interface Block {
  page: string;
  line: number;
  /** Empty for output and diagrams. */
  language: string;
  text: string;
  /** The block without a language that follows it: what it prints. */
  output: string | null;
  /** Why no test runs it, if it is marked with `<!-- not run: REASON -->`. */
  notRun: string | null;
}

/** The tests that run the blocks of a page, by language. `json` and `yaml` are parsed on all pages. */
const RUN_BY: Record<string, Record<string, string>> = {
  'README.md': { sh: 'in-order' },
  'docs/clients.md': { js: 'in-order', ts: 'in-order', tsx: 'in-order' },
  'docs/deploy.md': { sh: 'in-order' },
  'docs/api.md': { graphql: 'api' },
};

export const PAGES = globSync(['*.md', 'docs/**/*.md']).sort();

/** Returns the code blocks of a page in their order, including those that are marked. */
export function readBlocks(page: string, text = readFileSync(page, 'utf8')): Block[] {
  const found = [...text.matchAll(/(?:^ *<!--([^]*?)-->\n+)?^ *```(\w*)\n([^]*?)^ *```$/gm)];
  return found.map(({ index, 0: whole, 1: comment, 2: language, 3: code }, i) => ({
    page,
    line: text.slice(0, index + whole.indexOf('```')).split('\n').length,
    language: language!,
    text: code!,
    output: language && found[i + 1]?.[2] === '' ? found[i + 1]![3]! : null,
    notRun: /^\s*not run: (.+?)\s*$/s.exec(comment ?? '')?.[1] ?? null,
  }));
}

/** Returns the test that runs the block, or null. */
export function getRunner({ page, language }: Block): string | null {
  return language === 'json' || language === 'yaml' ? 'blocks' : (RUN_BY[page]?.[language] ?? null);
}

/** Returns the blocks of a page that the test `runner` has to run. */
export const getBlocksToRun = (page: string, runner: string): Block[] =>
  readBlocks(page).filter((block) => block.notRun === null && getRunner(block) === runner);
