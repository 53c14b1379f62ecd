import 'reflect-metadata';
import { entities } from './src/entities.js';
import { readConfiguration } from './src/platform/config/configuration.js';
import { ormOptions } from './src/platform/db/orm-options.js';

/** For the migration commands; the server opens its database in src/platform/db. */
export default ormOptions(readConfiguration({ DATABASE_URL: process.env['DATABASE_URL'] }).database, entities);
