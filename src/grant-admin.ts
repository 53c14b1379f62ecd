import 'reflect-metadata';
import { emailKey } from './auth/email.js';
import { Role } from './auth/role.js';
import { User } from './auth/user.entity.js';
import { entities } from './entities.js';
import { readConfiguration } from './platform/config/configuration.js';
import { loadEnvFile } from './platform/config/env-file.js';
import { openDatabase } from './platform/db/database.js';

/** Makes an account an admin: `npm run grant-admin -- EMAIL`. Over the API there is no way to become one. */
const email = process.argv[2];
if (!email) {
  console.error('Say whom: npm run grant-admin -- EMAIL');
  process.exit(1);
}
loadEnvFile();
const { database } = readConfiguration({ DATABASE_URL: process.env['DATABASE_URL'] });
await using orm = await openDatabase(database, entities);
const changed = await orm.em
  .fork()
  .nativeUpdate(User, { emailKey: emailKey(email) }, { role: Role.ADMIN, updatedAt: new Date() });
if (changed === 0) {
  console.error(`There is no account with the email ${email}; it has to be registered first.`);
  process.exitCode = 1;
} else {
  console.log(`${email} is an admin now.`);
}
