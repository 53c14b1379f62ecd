import { administer } from './global-setup.mjs';

/** After the tests. */
export default async function cleanUp() {
  const template = process.env.TEST_POSTGRES_TEMPLATE;
  if (template) await administer(`drop database if exists ${template} with (force)`);
}
