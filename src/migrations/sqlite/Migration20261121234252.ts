import { Migration } from '@mikro-orm/migrations';

export class Migration20261121234252 extends Migration {

  override name = 'Migration20261121234252';

  override up(): void | Promise<void> {
    this.addSql(`create table \`users\` (\`id\` text not null primary key, \`email\` text not null, \`email_key\` text not null, \`password_hash\` text not null, \`name\` text null, \`phone\` text null, \`role\` text check (\`role\` in ('USER', 'ADMIN')) not null default 'USER', \`created_at\` datetime not null, \`updated_at\` datetime not null);`);
    this.addSql(`create unique index \`users_email_key_unique\` on \`users\` (\`email_key\`);`);

    this.addSql(`create table \`sessions\` (\`id\` text not null primary key, \`user_id\` text not null, \`user_agent\` text null, \`created_at\` datetime not null, \`last_used_at\` datetime not null, \`expires_at\` datetime not null, \`ended_at\` datetime null, \`end_reason\` text check (\`end_reason\` in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED')) null, constraint \`sessions_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`sessions_ended_at_index\` on \`sessions\` (\`ended_at\`);`);
    this.addSql(`create index \`sessions_expires_at_index\` on \`sessions\` (\`expires_at\`);`);
    this.addSql(`create index \`sessions_user_id_ended_at_index\` on \`sessions\` (\`user_id\`, \`ended_at\`);`);

    this.addSql(`create table \`refresh_tokens\` (\`hash\` text not null primary key, \`session_id\` text not null, \`created_at\` datetime not null, \`expires_at\` datetime not null, \`spent_at\` datetime null, constraint \`refresh_tokens_session_id_foreign\` foreign key (\`session_id\`) references \`sessions\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`refresh_tokens_session_id_expires_at_index\` on \`refresh_tokens\` (\`session_id\`, \`expires_at\`);`);

    this.addSql(`create table \`model_calls\` (\`id\` text not null primary key, \`user_id\` text not null, \`at\` datetime not null, \`purpose\` text check (\`purpose\` in ('ANSWER', 'TITLE', 'METADATA')) not null, \`prompt_tokens\` integer not null, \`completion_tokens\` integer not null, \`estimated\` integer not null, constraint \`model_calls_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`model_calls_user_id_at_index\` on \`model_calls\` (\`user_id\`, \`at\`);`);

    this.addSql(`create table \`conversations\` (\`id\` text not null primary key, \`owner_id\` text not null, \`title\` text not null, \`title_source\` text check (\`title_source\` in ('PROVISIONAL', 'GENERATED', 'USER')) not null default 'PROVISIONAL', \`metadata\` json null, \`metadata_version\` integer not null default 0, \`covered_position\` integer not null default 0, \`messages_since_context_update\` integer not null default 0, \`sale_status\` text check (\`sale_status\` in ('EXPLORING', 'INTERESTED', 'NEGOTIATING', 'CLOSED', 'LOST')) null, \`created_at\` datetime not null, \`updated_at\` datetime not null, constraint \`conversations_owner_id_foreign\` foreign key (\`owner_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`conversations_updated_at_sale_status_index\` on \`conversations\` (\`updated_at\`, \`sale_status\`);`);
    this.addSql(`create index \`conversations_owner_id_sale_status_updated_at_index\` on \`conversations\` (\`owner_id\`, \`sale_status\`, \`updated_at\`);`);
    this.addSql(`create index \`conversations_owner_id_updated_at_id_index\` on \`conversations\` (\`owner_id\`, \`updated_at\`, \`id\`);`);

    this.addSql(`create table \`messages\` (\`id\` text not null primary key, \`conversation_id\` text not null, \`position\` integer null, \`role\` text check (\`role\` in ('USER', 'ASSISTANT')) not null, \`content\` text not null default '', \`status\` text check (\`status\` in ('STREAMING', 'COMPLETED', 'STOPPED', 'FAILED')) not null, \`error_code\` text check (\`error_code\` in ('PROVIDER_RATE_LIMITED', 'PROVIDER_QUOTA_EXCEEDED', 'PROVIDER_REJECTED', 'PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'CONTEXT_TOO_LONG', 'CONTENT_FILTERED', 'INTERRUPTED', 'INTERNAL')) null, \`in_reply_to_id\` text null, \`replaces_id\` text null, \`model\` text null, \`prompt_tokens\` integer null, \`completion_tokens\` integer null, \`usage_estimated\` integer not null default false, \`lease_owner\` text null, \`lease_expires_at\` datetime null, \`created_at\` datetime not null, \`finished_at\` datetime null, constraint \`messages_conversation_id_foreign\` foreign key (\`conversation_id\`) references \`conversations\` (\`id\`) on delete cascade, constraint \`messages_in_reply_to_id_foreign\` foreign key (\`in_reply_to_id\`) references \`messages\` (\`id\`) on delete cascade, constraint \`messages_replaces_id_foreign\` foreign key (\`replaces_id\`) references \`messages\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`messages_in_reply_to_id_index\` on \`messages\` (\`in_reply_to_id\`);`);
    this.addSql(`create index \`messages_replaces_id_index\` on \`messages\` (\`replaces_id\`);`);
    this.addSql(`create index \`messages_lease\` on \`messages\` (\`lease_expires_at\`) where status = 'STREAMING';`);
    this.addSql(`create unique index \`messages_one_streaming\` on \`messages\` (\`conversation_id\`) where status = 'STREAMING';`);
    this.addSql(`create unique index \`messages_conversation_id_position_unique\` on \`messages\` (\`conversation_id\`, \`position\`);`);

    this.addSql(`create table \`asked_requests\` (\`user_id\` text not null, \`request_id\` text not null, \`answer_id\` text not null, \`created_at\` datetime not null, primary key (\`user_id\`, \`request_id\`), constraint \`asked_requests_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade, constraint \`asked_requests_answer_id_foreign\` foreign key (\`answer_id\`) references \`messages\` (\`id\`) on delete cascade);`);
    this.addSql(`create index \`asked_requests_answer_id_index\` on \`asked_requests\` (\`answer_id\`);`);
  }

  override down(): void | Promise<void> {

    this.addSql(`drop table if exists \`users\`;`);
    this.addSql(`drop table if exists \`sessions\`;`);
    this.addSql(`drop table if exists \`refresh_tokens\`;`);
    this.addSql(`drop table if exists \`model_calls\`;`);
    this.addSql(`drop table if exists \`conversations\`;`);
    this.addSql(`drop table if exists \`messages\`;`);
    this.addSql(`drop table if exists \`asked_requests\`;`);
  }

}
