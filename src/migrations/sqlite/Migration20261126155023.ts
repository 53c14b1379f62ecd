import { Migration } from '@mikro-orm/migrations';

export class Migration20261126155023 extends Migration {

  override name = 'Migration20261126155023';

  override up(): void | Promise<void> {
    this.addSql(`create table \`product_mentions\` (\`id\` text not null primary key, \`answer_id\` text not null, \`offset\` integer not null, \`sku\` text not null, \`title\` text not null, \`url\` text null, \`image_url\` text null, \`price\` bigint null, \`currency\` text null, \`available\` integer not null, \`checked_at\` datetime not null, constraint \`product_mentions_answer_id_foreign\` foreign key (\`answer_id\`) references \`messages\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`product_mentions_sku_id_index\` on \`product_mentions\` (\`sku\`, \`id\`);`);
    this.addSql(`create index \`product_mentions_answer_id_offset_index\` on \`product_mentions\` (\`answer_id\`, \`offset\`);`);

    this.addSql(`alter table \`messages\` add column \`product_count\` integer not null default 0;`);
    this.addSql(`alter table \`messages\` add column \`unverified_claims\` json null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists \`product_mentions\`;`);

    this.addSql(`alter table \`messages\` drop column \`product_count\`;`);
    this.addSql(`alter table \`messages\` drop column \`unverified_claims\`;`);
  }

}
