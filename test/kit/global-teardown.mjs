import { executeAsAdmin } from './global-setup.mjs';

/** Runs after the tests. */
export default async function cleanUp() {
  const template = process.env.TEST_POSTGRES_TEMPLATE;
  if (template) await executeAsAdmin(`drop database if exists ${template} with (force)`);
}
