import { Termination } from './termination.js';

/** Checks the version first, because native modules crash older versions of Node.js without a message. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 17)) {
  console.error(
    `Parley requires Node.js 22.17 or later; this is ${process.versions.node}. \`npm start\` uses the one that npm installs.`,
  );
  process.exit(1);
}
const termination = new Termination();
const { serve } = await import('./serve.js');
await serve(termination);
