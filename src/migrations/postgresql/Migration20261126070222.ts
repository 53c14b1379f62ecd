import { Migration } from '@mikro-orm/migrations';

export class Migration20261126070222 extends Migration {

  override name = 'Migration20261126070222';

  override up(): void | Promise<void> {
    this.addSql(`create table "data_exports" ("hash" text not null, "user_id" uuid not null, "expires_at" timestamptz(3) not null, primary key ("hash"));`);
    this.addSql(`create index "data_exports_expires_at_index" on "data_exports" ("expires_at");`);
    this.addSql(`create index "data_exports_user_id_expires_at_index" on "data_exports" ("user_id", "expires_at");`);

    this.addSql(`alter table "data_exports" add constraint "data_exports_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "data_exports" cascade;`);
  }

}
