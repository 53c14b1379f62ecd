import { Migration } from '@mikro-orm/migrations';

export class Migration20261126061146 extends Migration {

  override name = 'Migration20261126061146';

  override up(): void | Promise<void> {
    this.addSql(`create table "daily_tokens" ("day" text not null, "account" text not null, "spent" bigint not null, "reserved" bigint not null, primary key ("day", "account"));`);

    this.addSql(`create table "token_reservations" ("answer_id" uuid not null, "day" text not null, "account" text not null, "prompt_tokens" int not null, "completion_tokens" int not null, "created_at" timestamptz(3) not null, primary key ("answer_id"));`);
    this.addSql(`create index "token_reservations_created_at_index" on "token_reservations" ("created_at");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "daily_tokens" cascade;`);
    this.addSql(`drop table if exists "token_reservations" cascade;`);
  }

}
