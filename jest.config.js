import { availableParallelism } from 'node:os';

/** Tests that do not depend on the database, or that require SQLite, run on SQLite only. */
const sqliteOnly = [
  '/test/(examples|playground|web)/',
  '/test/catalogue/(files|prices|product-marker)',
  '/test/clients/(adapters|package|store)',
  '/test/fuzz/',
  '/test/docs/(blocks|dashboard|in-order|lists|paths)',
  '/test/kit/',
  '/test/platform/(configuration|database|direct-resolvers|jobs|repeated-lines|sqlite-|tools|turns)',
  '/test/process/(backup|commands|database-mistakes|installation|production-log|provider-check|signals|start|telemetry|user-commands)',
  '/test/provider/(call-scheduler|capabilities|completion-reader|endings|event-stream-reader|linear-parsing|reasoning-splitter|structured-output)',
  '/test/transport/(backpressure-writer|planned-execution)',
];

/** Compiles with SWC, which emits the decorator metadata that type-graphql and MikroORM read, and runs as ES modules. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...(process.env.TEST_POSTGRES_URL ? sqliteOnly : [])],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/client/dist/', '<rootDir>/.build'],
  globalSetup: '<rootDir>/test/kit/global-setup.mjs',
  globalTeardown: '<rootDir>/test/kit/global-teardown.mjs',
  setupFiles: ['reflect-metadata'],
  testTimeout: 90_000,
  // ES modules of finished test files stay in memory, so workers are replaced before they run out of it.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  workerIdleMemoryLimit: '1500MB',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};
