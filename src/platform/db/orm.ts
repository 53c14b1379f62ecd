import type { MikroORM, Options } from '@mikro-orm/core';
import type { AbstractSqlDriver, SqlEntityManager } from '@mikro-orm/sql';

/** MikroORM as it is used here: with either SQL driver. */
export type Orm = MikroORM<AbstractSqlDriver>;
export type EntityManager = SqlEntityManager;
export type OrmOptions = Partial<Options<AbstractSqlDriver>>;
export type Entities = NonNullable<OrmOptions['entities']>;
