import { defineConfig } from 'vite';

export default defineConfig({
  // The API is that of `npm start` in Parley's folder.
  server: { proxy: { '/graphql': 'http://127.0.0.1:4000' } },
  build: { target: 'es2023' },
});
