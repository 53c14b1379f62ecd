import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** From left to right: each domain may import those before it, and the platform; the platform imports none. */
const DOMAINS = ['auth', 'conversations', 'messages', 'memory', 'answering', 'reports'];

/** What may see everything. */
const ROOTS = [
  'main',
  'serve',
  'server',
  'services',
  'schema',
  'entities',
  'migrate',
  'emit-schema',
  'grant-admin',
  'copy-database',
];

const zone = (target, from, message) => ({ target: `./src/${target}`, from, message });

const zones = [
  ...DOMAINS.slice(0, -1).map((domain, i) =>
    zone(
      domain,
      DOMAINS.slice(i + 1).map((right) => `./src/${right}`),
      `${domain} imports only what stands left of it: ${DOMAINS.join(' ← ')}.`,
    ),
  ),
  zone(
    'platform',
    DOMAINS.map((domain) => `./src/${domain}`),
    'The platform knows no domain.',
  ),
  ...[...DOMAINS, 'platform'].map((folder) =>
    zone(
      folder,
      ROOTS.map((root) => `./src/${root}.ts`),
      'Only the root files see everything.',
    ),
  ),
  zone(
    'client',
    ['platform', ...DOMAINS].map((folder) => `./src/${folder}`),
    'The client helper runs in browsers.',
  ),
];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'data/', 'playground/', 'src/client/generated/', 'src/migrations/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // An async method may have to be one for its interface's sake.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/platform/model/openai-*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'openai', message: 'Only platform/model/openai-*.ts talk to the SDK.' }] },
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
            message: 'A service knows no GraphQL.',
          })),
        },
      ],
    },
  },
  {
    // What comes over the wire is looked at as it is.
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
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
