import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { findUnknownSettings } from './unknown-settings.js';

const FILE = '.env';

/**
 * Loads `.env` into the environment, except in production. Variables that are already set keep their value.
 * @returns the mistakes in the file, for `readConfiguration`
 */
export function loadEnvFile(): string[] {
  if (process.env['NODE_ENV'] === 'production' || !existsSync(FILE)) return [];
  let text: string;
  try {
    text = readFileSync(FILE, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    return [`${FILE}: cannot read the file (${(error as NodeJS.ErrnoException).code}); check its permissions`];
  }
  const variables = parseEnv(text) as Record<string, string>;
  for (const [name, value] of Object.entries(variables)) process.env[name] ??= value;
  return [
    // The lines are not quoted, because they may contain secrets.
    ...findGarbage(text).map((line) => `${FILE} line ${line}: expected NAME=VALUE, or # before a comment`),
    ...findUnknownSettings(Object.keys(variables)).map(
      ({ name, advice }) => `${name}: unknown setting in ${FILE}; ${advice}`,
    ),
  ];
}

/** A line of a comment, of a variable or of white space. A quoted value may have several lines. */
const ENTRY =
  /[ \t]*(?:#[^\n]*|(?:export[ \t]+)?[A-Za-z_][\w.-]*[ \t]*=[ \t]*(?:(["'`])[^]*?\1[^\n]*|[^\n]*))?(?:\r?\n|$)/y;

/** Returns the numbers of the lines that `parseEnv` ignores. */
function findGarbage(text: string): number[] {
  const garbage: number[] = [];
  let line = 1;
  for (let from = 0; from < text.length;) {
    ENTRY.lastIndex = from;
    const isEntry = ENTRY.test(text);
    const newline = text.indexOf('\n', from);
    const to = isEntry ? ENTRY.lastIndex : newline === -1 ? text.length : newline + 1;
    if (!isEntry) garbage.push(line);
    line += text.slice(from, to).split('\n').length - 1;
    from = to;
  }
  return garbage;
}
