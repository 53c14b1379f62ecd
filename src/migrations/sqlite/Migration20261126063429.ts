import { Migration } from '@mikro-orm/migrations';

export class Migration20261126063429 extends Migration {

  override name = 'Migration20261126063429';

  override up(): void | Promise<void> {
    this.addSql(`create table \`security_events\` (\`id\` text not null primary key, \`user_id\` text not null, \`type\` text not null, \`at\` datetime not null, \`user_agent\` text null, \`address\` text null, constraint \`security_events_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`security_events_at_index\` on \`security_events\` (\`at\`);`);
    this.addSql(`create index \`security_events_user_id_at_id_index\` on \`security_events\` (\`user_id\`, \`at\`, \`id\`);`);

    this.addSql(`alter table \`sessions\` add column \`address_hash\` text null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists \`security_events\`;`);

    this.addSql(`alter table \`sessions\` drop column \`address_hash\`;`);
  }

}
