/** Builds dist/ if it is out of date, then starts the server: `npm start`. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, dist } from './building.mjs';

await build(dist);
await import(pathToFileURL(join(dist, 'src/main.js')).href);
