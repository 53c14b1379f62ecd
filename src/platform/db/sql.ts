import { BasePostgreSqlPlatform } from '@mikro-orm/sql';
import type { DatabaseConfiguration } from '../config/configuration.js';
import type { EntityManager } from './orm.js';

type Dialect = DatabaseConfiguration['dialect'];

/** Returns the variant for this database. For statements that SQLite and PostgreSQL write differently. */
export const sql = <T = string>(em: EntityManager, variants: Record<Dialect, T>): T =>
  variants[em.getPlatform() instanceof BasePostgreSqlPlatform ? 'postgresql' : 'sqlite'];
