import { Migration } from '@mikro-orm/migrations';

export class Migration20261126155023 extends Migration {

  override name = 'Migration20261126155023';

  override up(): void | Promise<void> {
    this.addSql(`create table "product_mentions" ("id" uuid not null, "answer_id" uuid not null, "offset" int not null, "sku" text not null, "title" text not null, "url" text null, "image_url" text null, "price" bigint null, "currency" text null, "available" boolean not null, "checked_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create index "product_mentions_sku_id_index" on "product_mentions" ("sku", "id");`);
    this.addSql(`create index "product_mentions_answer_id_offset_index" on "product_mentions" ("answer_id", "offset");`);

    this.addSql(`alter table "messages" add "product_count" int not null default 0, add "unverified_claims" jsonb null;`);

    this.addSql(`alter table "product_mentions" add constraint "product_mentions_answer_id_foreign" foreign key ("answer_id") references "messages" ("id") on delete cascade;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "product_mentions" cascade;`);

    this.addSql(`alter table "messages" drop column "product_count", drop column "unverified_claims";`);
  }

}
