import 'reflect-metadata';
import { entities } from './src/entities.js';
import { readConfiguration } from './src/platform/config/configuration.js';
import { ormOptions } from './src/platform/db/orm-options.js';

/** For MikroORM's own tools and editors' plug-ins. The server and the migration commands read the same options. */
export default ormOptions(readConfiguration({ DATABASE_URL: process.env['DATABASE_URL'] }).database, entities);
