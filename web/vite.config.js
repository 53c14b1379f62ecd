import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

/** Writes compressed copies of the files, which the server sends to the browsers that accept them. */
const precompress = () => ({
  name: 'precompress',
  apply: 'build',
  writeBundle({ dir }) {
    for (const name of readdirSync(dir, { recursive: true })) {
      if (!/\.(js|css|svg)$/.test(name)) continue;
      const file = join(dir, name);
      const bytes = readFileSync(file);
      writeFileSync(`${file}.br`, brotliCompressSync(bytes));
      writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    }
  },
});

/** The sources of the client package. */
const client = join(import.meta.dirname, '../client/src');

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@parley\/client$/, replacement: join(client, 'index.ts') },
      // Its variant for browsers parses HTML with the DOM, and the Content-Security-Policy reports each style attribute.
      {
        find: 'hast-util-from-html-isomorphic',
        replacement: join(import.meta.dirname, '../node_modules/hast-util-from-html-isomorphic/index.js'),
      },
      { find: /^@parley\/client\/(\w+)$/, replacement: join(client, '$1.ts') },
    ],
  },
  plugins: [precompress()],
  // `npx vite web` serves the sources and reloads them at every change; the API is that of `npm start`.
  server: { proxy: { '/graphql': { target: 'http://127.0.0.1:4000', ws: true }, '/readyz': 'http://127.0.0.1:4000' } },
  build: {
    emptyOutDir: true,
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The Content-Security-Policy does not allow inline fonts.
    assetsInlineLimit: 0,
    // Dozens of dependencies begin with 'use client', which has no meaning here.
    rolldownOptions: { checks: { moduleLevelDirective: false, bundlerTimings: false } },
  },
});
