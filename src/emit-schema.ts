import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from './schema.js';

/** Writes schema/schema.graphql, which front ends and code generators read: `npm run schema:emit`. */
const HEADER = '# Emitted from the resolvers by `npm run schema:emit`. Change them, not this file.\n\n';
const schema = await createSchema(() => {
  throw new Error('Nothing is resolved while the schema is printed.');
});
writeFileSync('schema/schema.graphql', `${HEADER}${printSchema(lexicographicSortSchema(schema))}\n`);
