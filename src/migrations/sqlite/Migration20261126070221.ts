import { Migration } from '@mikro-orm/migrations';

export class Migration20261126070221 extends Migration {

  override name = 'Migration20261126070221';

  override up(): void | Promise<void> {
    this.addSql(`create table \`data_exports\` (\`hash\` text not null primary key, \`user_id\` text not null, \`expires_at\` datetime not null, constraint \`data_exports_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`data_exports_expires_at_index\` on \`data_exports\` (\`expires_at\`);`);
    this.addSql(`create index \`data_exports_user_id_expires_at_index\` on \`data_exports\` (\`user_id\`, \`expires_at\`);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists \`data_exports\`;`);
  }

}
