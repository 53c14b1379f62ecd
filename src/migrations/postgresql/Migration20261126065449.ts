import { Migration } from '@mikro-orm/migrations';

export class Migration20261126065449 extends Migration {

  override name = 'Migration20261126065449';

  override up(): void | Promise<void> {
    this.addSql(`alter table "asked_requests" drop constraint "asked_requests_answer_id_foreign";`);

    this.addSql(`alter table "sessions" add "generation" int not null default 0, add "token_version" int not null default 0;`);

    this.addSql(`alter table "refresh_tokens" add "generation" int not null default 0;`);

    this.addSql(`alter table "asked_requests" alter column "answer_id" drop not null;`);
    this.addSql(`alter table "asked_requests" add constraint "asked_requests_answer_id_foreign" foreign key ("answer_id") references "messages" ("id") on delete set null;`);
    // Refresh tokens that were used before are of an earlier generation than those that can be used.
    this.addSql(`update refresh_tokens set generation = -1 where spent_at is not null;`);
  }

  override down(): void | Promise<void> {
    this.addSql('delete from asked_requests where answer_id is null;');
    this.addSql(`alter table "asked_requests" drop constraint "asked_requests_answer_id_foreign";`);

    this.addSql(`alter table "asked_requests" alter column "answer_id" set not null;`);
    this.addSql(`alter table "asked_requests" add constraint "asked_requests_answer_id_foreign" foreign key ("answer_id") references "messages" ("id") on delete cascade;`);

    this.addSql(`alter table "refresh_tokens" drop column "generation";`);

    this.addSql(`alter table "sessions" drop column "generation", drop column "token_version";`);
  }

}
