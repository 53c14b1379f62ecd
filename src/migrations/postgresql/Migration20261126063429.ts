import { Migration } from '@mikro-orm/migrations';

export class Migration20261126063429 extends Migration {

  override name = 'Migration20261126063429';

  override up(): void | Promise<void> {
    this.addSql(`create table "security_events" ("id" uuid not null, "user_id" uuid not null, "type" text not null, "at" timestamptz(3) not null, "user_agent" text null, "address" text null, primary key ("id"));`);
    this.addSql(`create index "security_events_at_index" on "security_events" ("at");`);
    this.addSql(`create index "security_events_user_id_at_id_index" on "security_events" ("user_id", "at", "id");`);

    this.addSql(`alter table "sessions" add "address_hash" text null;`);

    this.addSql(`alter table "security_events" add constraint "security_events_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "security_events" cascade;`);

    this.addSql(`alter table "sessions" drop column "address_hash";`);
  }

}
