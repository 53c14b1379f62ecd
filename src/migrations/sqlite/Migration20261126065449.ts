import { Migration } from '@mikro-orm/migrations';

export class Migration20261126065449 extends Migration {

  override name = 'Migration20261126065449';

  override up(): void | Promise<void> {
    this.addSql(`alter table \`sessions\` add column \`generation\` integer not null default 0;`);
    this.addSql(`alter table \`sessions\` add column \`token_version\` integer not null default 0;`);

    this.addSql(`alter table \`refresh_tokens\` add column \`generation\` integer not null default 0;`);

    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`asked_requests__temp_alter\` (\`user_id\` text not null, \`request_id\` text not null, \`answer_id\` text null, \`created_at\` datetime not null, primary key (\`user_id\`, \`request_id\`), constraint \`asked_requests_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade, constraint \`asked_requests_answer_id_foreign\` foreign key (\`answer_id\`) references \`messages\` (\`id\`) on delete set null);`);
    this.addSql(`insert into \`asked_requests__temp_alter\` select \`user_id\`, \`request_id\`, \`answer_id\`, \`created_at\` from \`asked_requests\`;`);
    this.addSql(`drop table \`asked_requests\`;`);
    this.addSql(`alter table \`asked_requests__temp_alter\` rename to \`asked_requests\`;`);
    this.addSql(`create index \`asked_requests_answer_id_index\` on \`asked_requests\` (\`answer_id\`);`);
    this.addSql(`pragma foreign_keys = on;`);
    // Refresh tokens that were used before are of an earlier generation than those that can be used.
    this.addSql(`update refresh_tokens set generation = -1 where spent_at is not null;`);
  }

  override down(): void | Promise<void> {
    this.addSql('delete from asked_requests where answer_id is null;');
    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`asked_requests__temp_alter\` (\`answer_id\` text not null, \`created_at\` datetime not null, \`request_id\` text not null, \`user_id\` text not null, primary key (\`user_id\`, \`request_id\`), constraint \`asked_requests_answer_id_foreign\` foreign key (\`answer_id\`) references \`messages\` (\`id\`) on delete cascade, constraint \`asked_requests_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`insert into \`asked_requests__temp_alter\` select \`answer_id\`, \`created_at\`, \`request_id\`, \`user_id\` from \`asked_requests\`;`);
    this.addSql(`drop table \`asked_requests\`;`);
    this.addSql(`alter table \`asked_requests__temp_alter\` rename to \`asked_requests\`;`);
    this.addSql(`create index \`asked_requests_answer_id_index\` on \`asked_requests\` (\`answer_id\`);`);
    this.addSql(`pragma foreign_keys = on;`);

    this.addSql(`alter table \`refresh_tokens\` drop column \`generation\`;`);

    this.addSql(`alter table \`sessions\` drop column \`generation\`;`);
    this.addSql(`alter table \`sessions\` drop column \`token_version\`;`);
  }

}
