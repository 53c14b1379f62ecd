/** Compiles if necessary, then runs a compiled file with arguments: `run.mjs src/commands/migrate.js up`. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuild } from './building.mjs';

const file = join(await ensureBuild(), process.argv[2]);
process.argv.splice(1, 2, file);
await import(pathToFileURL(file).href);
