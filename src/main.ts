/** Checks what it runs on before it loads anything: the native modules end an older Node.js without a word. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 17)) {
  console.error(
    `Parley needs Node.js 22.17 or later, and this is ${process.versions.node}. \`npm start\` brings its own.`,
  );
  process.exit(1);
}
await import('./serve.js');

export {};
