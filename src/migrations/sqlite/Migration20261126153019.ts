import { Migration } from '@mikro-orm/migrations';

export class Migration20261126153019 extends Migration {

  override name = 'Migration20261126153019';

  override up(): void | Promise<void> {
    this.addSql(`create table \`tool_calls\` (\`id\` text not null primary key, \`answer_id\` text not null, \`position\` integer not null, \`name\` text not null, \`state\` text check (\`state\` in ('RUNNING', 'DONE', 'FAILED')) not null default 'RUNNING', \`arguments\` text not null, \`result\` text null, \`offset\` integer not null, \`created_at\` datetime not null, \`finished_at\` datetime null, constraint \`tool_calls_answer_id_foreign\` foreign key (\`answer_id\`) references \`messages\` (\`id\`) on delete cascade);`);
    this.addSql(`create unique index \`tool_calls_answer_id_position_unique\` on \`tool_calls\` (\`answer_id\`, \`position\`);`);

    this.addSql(`alter table \`messages\` add column \`tool_call_count\` integer not null default 0;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists \`tool_calls\`;`);

    this.addSql(`alter table \`messages\` drop column \`tool_call_count\`;`);
  }

}
