import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The package's folder, found from the sources as well as from what is compiled of them. */
export const packageRoot = findUp(import.meta.dirname);

function findUp(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('There is no package.json above the server.');
  return findUp(parent);
}
