import { Migration } from '@mikro-orm/migrations';

export class Migration20261126153019 extends Migration {

  override name = 'Migration20261126153019';

  override up(): void | Promise<void> {
    this.addSql(`create table "tool_calls" ("id" uuid not null, "answer_id" uuid not null, "position" int not null, "name" text not null, "state" text not null default 'RUNNING', "arguments" text not null, "result" text null, "offset" int not null, "created_at" timestamptz(3) not null, "finished_at" timestamptz(3) null, primary key ("id"));`);
    this.addSql(`alter table "tool_calls" add constraint "tool_calls_answer_id_position_unique" unique ("answer_id", "position");`);

    this.addSql(`alter table "messages" add "tool_call_count" int not null default 0;`);

    this.addSql(`alter table "tool_calls" add constraint "tool_calls_answer_id_foreign" foreign key ("answer_id") references "messages" ("id") on delete cascade;`);
    this.addSql(`alter table "tool_calls" add constraint "tool_calls_state_check" check ("state" in ('RUNNING', 'DONE', 'FAILED'));`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "tool_calls" cascade;`);

    this.addSql(`alter table "messages" drop column "tool_call_count";`);
  }

}
