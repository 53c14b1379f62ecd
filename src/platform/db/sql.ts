import { BasePostgreSqlPlatform } from '@mikro-orm/sql';
import type { EntityManager } from './database.js';
import type { Dialect } from './orm-options.js';

/** SQL that the two kinds of database write differently, side by side; gives the one that this database understands. */
export const sql = (em: EntityManager, texts: Record<Dialect, string>): string => texts[dialectOf(em)];

const dialectOf = (em: EntityManager): Dialect =>
  em.getPlatform() instanceof BasePostgreSqlPlatform ? 'postgresql' : 'sqlite';
