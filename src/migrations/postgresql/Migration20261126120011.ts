import { Migration } from '@mikro-orm/migrations';

export class Migration20261126120011 extends Migration {

  override name = 'Migration20261126120011';

  override up(): void | Promise<void> {
    this.addSql(`create table "identities" ("issuer" text not null, "subject" text not null, "user_id" uuid not null, "created_at" timestamptz(3) not null, primary key ("issuer", "subject"));`);
    this.addSql(`create index "identities_user_id_created_at_index" on "identities" ("user_id", "created_at");`);

    this.addSql(`alter table "identities" add constraint "identities_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "identities" cascade;`);
  }

}
