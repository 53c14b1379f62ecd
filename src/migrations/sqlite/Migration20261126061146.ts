import { Migration } from '@mikro-orm/migrations';

export class Migration20261126061146 extends Migration {

  override name = 'Migration20261126061146';

  override up(): void | Promise<void> {
    this.addSql(`create table \`daily_tokens\` (\`day\` text not null, \`account\` text not null, \`spent\` bigint not null, \`reserved\` bigint not null, primary key (\`day\`, \`account\`));`);

    this.addSql(`create table \`token_reservations\` (\`answer_id\` text not null primary key, \`day\` text not null, \`account\` text not null, \`prompt_tokens\` integer not null, \`completion_tokens\` integer not null, \`created_at\` datetime not null);`);
    this.addSql(`create index \`token_reservations_created_at_index\` on \`token_reservations\` (\`created_at\`);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists \`daily_tokens\`;`);
    this.addSql(`drop table if exists \`token_reservations\`;`);
  }

}
