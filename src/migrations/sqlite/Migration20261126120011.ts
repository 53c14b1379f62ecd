import { Migration } from '@mikro-orm/migrations';

export class Migration20261126120011 extends Migration {

  override name = 'Migration20261126120011';

  override up(): void | Promise<void> {
    this.addSql(`create table \`identities\` (\`issuer\` text not null, \`subject\` text not null, \`user_id\` text not null, \`created_at\` datetime not null, primary key (\`issuer\`, \`subject\`), constraint \`identities_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`identities_user_id_created_at_index\` on \`identities\` (\`user_id\`, \`created_at\`);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists \`identities\`;`);
  }

}
