import { existsSync } from 'node:fs';
import { parse } from 'yaml';
import { getBlocksToRun, getRunner, PAGES, readBlocks } from '../kit/documents.js';

describe.each(PAGES)('%s', (page) => {
  test('each code block is run by a test, or marked with the reason why not', () => {
    const blocks = readBlocks(page).filter(({ language }) => language !== '');
    const neither = blocks.filter((block) => block.notRun === null && getRunner(block) === null);
    expect(neither.map(({ line, language }) => `line ${line}: ${language}`)).toEqual([]);
    for (const { line, notRun } of blocks)
      if (notRun !== null) expect([line, notRun]).toEqual([line, expect.stringMatching(/\w+ \w+/)]);
    for (const block of blocks)
      if (block.notRun === null) expect(existsSync(`test/docs/${getRunner(block)}.test.ts`)).toBe(true);
  });

  test('JSON and YAML are valid', () => {
    for (const { language, text } of getBlocksToRun(page, 'blocks')) {
      // A block may contain several JSON values, one per line.
      if (language === 'yaml') parse(text);
      else for (const line of text.trim().split(/\n(?=\{)/)) JSON.parse(line);
    }
  });
});

test('a comment marks only the block that follows it', () => {
  const page =
    '<!-- not run: needs Docker -->\n\n```sh\ndocker ps\n```\n\ntext\n\n```sh\nls\n```\n\n<!-- note -->\n\n```\nout\n```\n';
  expect(readBlocks('page.md', page)).toEqual([
    { page: 'page.md', line: 3, language: 'sh', text: 'docker ps\n', output: null, notRun: 'needs Docker' },
    { page: 'page.md', line: 9, language: 'sh', text: 'ls\n', output: 'out\n', notRun: null },
    { page: 'page.md', line: 15, language: '', text: 'out\n', output: null, notRun: null },
  ]);
});
