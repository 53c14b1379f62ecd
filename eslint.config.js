import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** A domain may import the domains to its left. */
const DOMAINS = [
  'auth',
  'usage',
  'conversations',
  'messages',
  'catalogue',
  'memory',
  'answering',
  'reports',
  'exports',
];

/** The composition, which may import everything. */
const COMPOSITION = ['main', 'serve', 'greeting', 'server', 'services', 'create-platform', 'schema', 'entities'];

/** Forbids files in the folder `target` to import from `from`. */
const zone = (target, from, message) => ({
  target: `./src/${target}`,
  from: from.map((path) => `./src/${path}`),
  message,
});

const zones = [
  ...DOMAINS.slice(0, -1).map((domain, i) =>
    zone(domain, DOMAINS.slice(i + 1), `${domain} may import only domains to its left: ${DOMAINS.join(' ← ')}.`),
  ),
  ...DOMAINS.map((domain) => zone(domain, ['transport', 'demo'], 'A domain must not import transport or demo.')),
  zone('transport', [...DOMAINS, 'demo'], 'transport must not import a domain.'),
  zone('platform', [...DOMAINS, 'demo', 'transport'], 'platform must not import domains or transport.'),
  { target: './client', from: './src', message: 'The client runs in browsers and must not import server code.' },
  { target: './src', from: './client', message: 'The server must not import the client.' },
  ...[...DOMAINS, 'demo', 'transport', 'platform'].map((folder) =>
    zone(
      folder,
      ['commands', ...COMPOSITION.map((file) => `${file}.ts`)],
      'Only the composition may import everything.',
    ),
  ),
];

/** The globals of Node.js that scripts use. */
const GLOBALS = [
  'clearTimeout',
  'console',
  'crypto',
  'fetch',
  'performance',
  'process',
  'setTimeout',
  'structuredClone',
  'URL',
];

export default tseslint.config(
  {
    ignores: ['**/dist/', '.build*/', 'coverage/', 'data/', 'playground/', 'client/src/generated/', 'src/migrations/'],
  },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ['**/*.{ts,tsx}'] })),
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.tsx', '.js'], extensionAlias: { '.js': ['.ts', '.tsx', '.js'] } }),
      ],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // An interface may require a method to be async.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/platform/model/openai-*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'openai', message: 'Only platform/model/openai-*.ts may import the SDK.' }] },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/platform/telemetry/{open-telemetry,prometheus-producer}.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['@opentelemetry/*', '**/open-telemetry.js', '**/prometheus-producer.js'],
              allowTypeImports: true,
              message: 'The SDK of OpenTelemetry is imported dynamically, only if it is used.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/**/*.service.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: ['graphql', 'type-graphql', 'openai'].map((name) => ({
            name,
            message: 'A service must not depend on GraphQL.',
          })),
        },
      ],
    },
  },
  { ...reactHooks.configs.flat.recommended, files: ['web/**/*.{ts,tsx}'] },
  {
    // Tests inspect untyped responses.
    files: ['test/**/*.ts'],
    rules: Object.fromEntries(
      [
        'no-unsafe-argument',
        'no-unsafe-assignment',
        'no-unsafe-call',
        'no-unsafe-enum-comparison',
        'no-unsafe-member-access',
        'no-unsafe-return',
        'only-throw-error',
        'prefer-promise-reject-errors',
        'unbound-method',
      ].map((rule) => [`@typescript-eslint/${rule}`, 'off']),
    ),
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: Object.fromEntries(GLOBALS.map((name) => [name, 'readonly'])) },
  },
);
