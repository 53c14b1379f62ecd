/** Forbids import cycles. The other import rules are in eslint.config.js, whose plug-in ignores type-only imports. */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Move the shared part to a third file, or pass it as an argument.',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    exclude: { path: '(^|/)(node_modules|dist|\\.build[^/]*|coverage|data)/' },
    // Include imports that the compiler removes, such as `import type`.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
