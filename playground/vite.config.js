import { defineConfig } from 'vite';

export default defineConfig({
  // Where the server serves what is built; the page itself is at /graphql.
  base: '/graphql/playground/',
  build: {
    emptyOutDir: true,
    sourcemap: false,
    target: 'es2022',
    // The editor is large, and is loaded from this same server.
    chunkSizeWarningLimit: Infinity,
    // Dozens of dependencies begin with 'use client', which means nothing here.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  // GraphiQL's GraphQL worker loads parts of itself on demand, which the default format cannot.
  worker: { format: 'es' },
});
