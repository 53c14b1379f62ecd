import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from '../schema.js';

/** Writes schema/schema.graphql for front ends and code generators: `npm run schema:emit`. */
const HEADER = '# Generated from the resolvers by `npm run schema:emit`. Do not edit.\n\n';
const schema = await createSchema(() => {
  throw new Error('Printing the schema must not use a resolver.');
});
writeFileSync('schema/schema.graphql', `${HEADER}${printSchema(lexicographicSortSchema(schema))}\n`);
