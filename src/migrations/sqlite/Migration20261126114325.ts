import { Migration } from '@mikro-orm/migrations';

export class Migration20261126114325 extends Migration {

  override name = 'Migration20261126114325';

  override up(): void | Promise<void> {
    this.addSql(`create table \`mails\` (\`id\` text not null primary key, \`kind\` text not null, \`email_key\` text not null, \`language\` text not null, \`attempts\` integer not null default 0, \`created_at\` datetime not null, \`next_attempt_at\` datetime not null);`);
    this.addSql(`create index \`mails_next_attempt_at_index\` on \`mails\` (\`next_attempt_at\`);`);

    this.addSql(`create table \`email_tokens\` (\`hash\` text not null primary key, \`user_id\` text not null, \`purpose\` text not null, \`email_key\` text not null, \`expires_at\` datetime not null, constraint \`email_tokens_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`email_tokens_expires_at_index\` on \`email_tokens\` (\`expires_at\`);`);
    this.addSql(`create index \`email_tokens_user_id_purpose_index\` on \`email_tokens\` (\`user_id\`, \`purpose\`);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists \`mails\`;`);
    this.addSql(`drop table if exists \`email_tokens\`;`);
  }

}
