import 'reflect-metadata';
import { entities } from './src/entities.js';
import { readConfiguration } from './src/platform/config/configuration.js';
import { createOrmOptions } from './src/platform/db/orm-options.js';

/** For the MikroORM CLI and editor plug-ins. The server and the commands use the same options. */
export default createOrmOptions(readConfiguration({ DATABASE_URL: process.env['DATABASE_URL'] }).database, entities);
