import 'reflect-metadata';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import { importFile, type FileImportResult } from '../catalogue/import-file.js';
import { UnknownFormatError } from '../catalogue/files/read-records.js';
import { toProductInput } from '../catalogue/product-input.js';
import { ProductService } from '../catalogue/product.service.js';
import { DEMO_PRODUCTS } from '../demo/demo-products.js';
import type { EntityManager } from '../platform/db/orm.js';
import { CommandError, runCommand } from './command.js';
import { openConfiguredDatabase } from './configured-database.js';

/** Further mistakes are counted only. */
const MAX_PRINTED_MISTAKES = 100;

const OPTIONS = {
  'dry-run': { type: 'boolean', default: false },
  'delete-missing': { type: 'boolean', default: false },
} as const;

type Options = { 'dry-run': boolean; 'delete-missing': boolean };

interface Action {
  /** The arguments of `npm run catalogue:ACTION -- `. */
  usage: string;
  run: (em: EntityManager, file: string | undefined, options: Options) => Promise<void>;
}

const service = new ProductService();

const ACTIONS: Record<string, Action> = {
  import: {
    usage: 'FILE [--dry-run] [--delete-missing]',
    async run(em, file, options) {
      if (file === undefined) throw new CommandError(describeUsage('import'));
      const result = await importWithProgress(em, file, options);
      summarize(result, options);
    },
  },
  export: {
    usage: '[FILE]',
    async run(em, file) {
      const lines = Readable.from(toLines(em));
      if (file === undefined) await pipeline(lines, process.stdout, { end: false });
      else await pipeline(lines, createWriteStream(file, { flags: 'wx' }));
    },
  },
  demo: {
    usage: '',
    async run(em) {
      const { added, changed } = await service.import(em, DEMO_PRODUCTS);
      console.error(`Imported the demo's products: ${added} added, ${changed} changed.`);
    },
  },
};

await runCommand(async ([name = '', ...args]) => {
  const action = ACTIONS[name];
  if (!action) throw new CommandError(Object.keys(ACTIONS).map(describeUsage).join('\n'));
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (positionals.length > 1) throw new CommandError(describeUsage(name));
  const orm = await openConfiguredDatabase();
  try {
    await action.run(orm.em.fork(), positionals[0], values);
  } finally {
    await orm.close(true);
  }
});

async function importWithProgress(em: EntityManager, file: string, options: Options): Promise<FileImportResult> {
  const { size } = await stat(file).catch(() => {
    throw new CommandError(`${file} cannot be read.`);
  });
  // It draws nothing unless standard error is a terminal.
  const bar = new SingleBar(
    { format: ' {bar} {percentage} % | {eta_formatted} left', etaBuffer: 50 },
    Presets.shades_grey,
  );
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let printed = 0;
  bar.start(size, 0);
  try {
    return await importFile(em, service, file, {
      dryRun: options['dry-run'],
      deleteMissing: options['delete-missing'],
      signal: stopping.signal,
      onBytes: (count) => bar.increment(count),
      onMistake(line, message) {
        printed += 1;
        if (printed <= MAX_PRINTED_MISTAKES) console.error(`${file}:${line}: ${message}`);
      },
    });
  } catch (error) {
    throw error instanceof UnknownFormatError ? new CommandError(error.message) : error;
  } finally {
    bar.stop();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function summarize(result: FileImportResult, options: Options): void {
  const { added, changed, unchanged, deleted, mistakes, lastLine, isComplete } = result;
  const count = (n: number) => n.toLocaleString('en');
  const prefix = options['dry-run'] ? 'Nothing was stored. It would be: ' : '';
  console.error(
    `${prefix}${count(added)} added, ${count(changed)} changed, ${count(unchanged)} unchanged, ${count(deleted)} deleted.`,
  );
  if (!isComplete)
    console.error(
      `Stopped after line ${lastLine}. Run the command again to continue: stored products are only compared.`,
    );
  if (mistakes > 0) {
    console.error(`${count(mistakes)} records were not imported.`);
    if (options['delete-missing']) console.error('Nothing was deleted, because the file has mistakes.');
  }
  if (mistakes > 0 || !isComplete) process.exitCode = 1;
}

async function* toLines(em: EntityManager): AsyncGenerator<string> {
  for await (const product of service.all(em)) yield `${JSON.stringify(toProductInput(product))}\n`;
}

const describeUsage = (name: string): string => `Usage: npm run catalogue:${name} -- ${ACTIONS[name]!.usage}`;
