/**
 * Counts the lines of application code of the examples: those of src/main.tsx without blank lines and comments. The markup
 * in examples/shared, which knows no GraphQL client, is counted on its own. `node scripts/example-lines.mjs` prints them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FILES = {
  'Apollo Client': 'apollo/src/main.tsx',
  urql: 'urql/src/main.tsx',
  markup: 'shared/views.tsx',
};

const isCode = (line) => /\S/.test(line) && !/^\s*(\/\/|\/\*|\*)/.test(line);

export function countExampleLines() {
  const count = (file) =>
    readFileSync(join(import.meta.dirname, '../examples', file), 'utf8')
      .split('\n')
      .filter(isCode).length;
  return Object.fromEntries(Object.entries(FILES).map(([name, file]) => [name, count(file)]));
}

if (process.argv[1] === import.meta.filename)
  for (const [name, lines] of Object.entries(countExampleLines())) console.log(`${name}: ${lines}`);
