/** Builds the server, the playground and the web chat into dist/: `npm run build`. */
import { build, dist } from './building.mjs';

await build(dist, { force: true });
