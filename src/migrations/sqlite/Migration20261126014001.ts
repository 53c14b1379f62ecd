import { Migration } from '@mikro-orm/migrations';

export class Migration20261126014001 extends Migration {

  override name = 'Migration20261126014001';

  override up(): void | Promise<void> {
    this.addSql(`alter table \`users\` add column \`disabled_at\` datetime null;`);

    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`sessions__temp_alter\` (\`id\` text not null primary key, \`user_id\` text not null, \`user_agent\` text null, \`created_at\` datetime not null, \`last_used_at\` datetime not null, \`expires_at\` datetime not null, \`ended_at\` datetime null, \`end_reason\` text check (\`end_reason\` in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED', 'ACCOUNT_DISABLED')) null, constraint \`sessions_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`insert into \`sessions__temp_alter\` select \`id\`, \`user_id\`, \`user_agent\`, \`created_at\`, \`last_used_at\`, \`expires_at\`, \`ended_at\`, \`end_reason\` from \`sessions\`;`);
    this.addSql(`drop table \`sessions\`;`);
    this.addSql(`alter table \`sessions__temp_alter\` rename to \`sessions\`;`);
    this.addSql(`create index \`sessions_ended_at_index\` on \`sessions\` (\`ended_at\`);`);
    this.addSql(`create index \`sessions_expires_at_index\` on \`sessions\` (\`expires_at\`);`);
    this.addSql(`create index \`sessions_user_id_ended_at_index\` on \`sessions\` (\`user_id\`, \`ended_at\`);`);
    this.addSql(`pragma foreign_keys = on;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`sessions__temp_alter\` (\`created_at\` datetime not null, \`end_reason\` text check (\`end_reason\` in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED')) null, \`ended_at\` datetime null, \`expires_at\` datetime not null, \`id\` text not null primary key, \`last_used_at\` datetime not null, \`user_agent\` text null, \`user_id\` text not null, constraint \`sessions_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`insert into \`sessions__temp_alter\` select \`created_at\`, \`end_reason\`, \`ended_at\`, \`expires_at\`, \`id\`, \`last_used_at\`, \`user_agent\`, \`user_id\` from \`sessions\`;`);
    this.addSql(`drop table \`sessions\`;`);
    this.addSql(`alter table \`sessions__temp_alter\` rename to \`sessions\`;`);
    this.addSql(`create index \`sessions_ended_at_index\` on \`sessions\` (\`ended_at\`);`);
    this.addSql(`create index \`sessions_expires_at_index\` on \`sessions\` (\`expires_at\`);`);
    this.addSql(`create index \`sessions_user_id_ended_at_index\` on \`sessions\` (\`user_id\`, \`ended_at\`);`);
    this.addSql(`pragma foreign_keys = on;`);

    this.addSql(`alter table \`users\` drop column \`disabled_at\`;`);
  }

}
