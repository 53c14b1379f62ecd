import { Migration } from '@mikro-orm/migrations';

export class Migration20261122012152 extends Migration {

  override name = 'Migration20261122012152';

  override up(): void | Promise<void> {
    this.addSql(`create table "users" ("id" uuid not null, "email" text not null, "email_key" text not null, "password_hash" text not null, "name" text null, "phone" text null, "role" text not null default 'USER', "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`alter table "users" add constraint "users_email_key_unique" unique ("email_key");`);

    this.addSql(`create table "sessions" ("id" uuid not null, "user_id" uuid not null, "user_agent" text null, "created_at" timestamptz(3) not null, "last_used_at" timestamptz(3) not null, "expires_at" timestamptz(3) not null, "ended_at" timestamptz(3) null, "end_reason" text null, primary key ("id"));`);
    this.addSql(`create index "sessions_ended_at_index" on "sessions" ("ended_at");`);
    this.addSql(`create index "sessions_expires_at_index" on "sessions" ("expires_at");`);
    this.addSql(`create index "sessions_user_id_ended_at_index" on "sessions" ("user_id", "ended_at");`);

    this.addSql(`create table "refresh_tokens" ("hash" text not null, "session_id" uuid not null, "created_at" timestamptz(3) not null, "expires_at" timestamptz(3) not null, "spent_at" timestamptz(3) null, primary key ("hash"));`);
    this.addSql(`create index "refresh_tokens_session_id_expires_at_index" on "refresh_tokens" ("session_id", "expires_at");`);

    this.addSql(`create table "model_calls" ("id" uuid not null, "user_id" uuid not null, "at" timestamptz(3) not null, "purpose" text not null, "prompt_tokens" int not null, "completion_tokens" int not null, "estimated" boolean not null, primary key ("id"));`);
    this.addSql(`create index "model_calls_user_id_at_index" on "model_calls" ("user_id", "at");`);

    this.addSql(`create table "conversations" ("id" uuid not null, "owner_id" uuid not null, "title" text not null, "title_source" text not null default 'PROVISIONAL', "metadata" jsonb null, "metadata_version" int not null default 0, "covered_position" int not null default 0, "messages_since_context_update" int not null default 0, "sale_status" text null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create index "conversations_updated_at_sale_status_index" on "conversations" ("updated_at", "sale_status");`);
    this.addSql(`create index "conversations_owner_id_sale_status_updated_at_index" on "conversations" ("owner_id", "sale_status", "updated_at");`);
    this.addSql(`create index "conversations_owner_id_updated_at_id_index" on "conversations" ("owner_id", "updated_at", "id");`);

    this.addSql(`create table "messages" ("id" uuid not null, "conversation_id" uuid not null, "position" int null, "role" text not null, "content" text not null default '', "status" text not null, "error_code" text null, "in_reply_to_id" uuid null, "replaces_id" uuid null, "model" text null, "prompt_tokens" int null, "completion_tokens" int null, "usage_estimated" boolean not null default false, "lease_owner" text null, "lease_expires_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "finished_at" timestamptz(3) null, primary key ("id"));`);
    this.addSql(`create index "messages_replaces_id_index" on "messages" ("replaces_id");`);
    this.addSql(`create index "messages_in_reply_to_id_index" on "messages" ("in_reply_to_id");`);
    this.addSql(`create index "messages_lease" on "messages" ("lease_expires_at") where status = 'STREAMING';`);
    this.addSql(`create unique index "messages_one_streaming" on "messages" ("conversation_id") where status = 'STREAMING';`);
    this.addSql(`alter table "messages" add constraint "messages_conversation_id_position_unique" unique ("conversation_id", "position");`);

    this.addSql(`create table "asked_requests" ("user_id" uuid not null, "request_id" text not null, "answer_id" uuid not null, "created_at" timestamptz(3) not null, primary key ("user_id", "request_id"));`);
    this.addSql(`create index "asked_requests_answer_id_index" on "asked_requests" ("answer_id");`);

    this.addSql(`alter table "users" add constraint "users_role_check" check ("role" in ('USER', 'ADMIN'));`);

    this.addSql(`alter table "sessions" add constraint "sessions_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);
    this.addSql(`alter table "sessions" add constraint "sessions_end_reason_check" check ("end_reason" in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED'));`);

    this.addSql(`alter table "refresh_tokens" add constraint "refresh_tokens_session_id_foreign" foreign key ("session_id") references "sessions" ("id") on delete cascade;`);

    this.addSql(`alter table "model_calls" add constraint "model_calls_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);
    this.addSql(`alter table "model_calls" add constraint "model_calls_purpose_check" check ("purpose" in ('ANSWER', 'TITLE', 'METADATA'));`);

    this.addSql(`alter table "conversations" add constraint "conversations_owner_id_foreign" foreign key ("owner_id") references "users" ("id") on delete cascade;`);
    this.addSql(`alter table "conversations" add constraint "conversations_title_source_check" check ("title_source" in ('PROVISIONAL', 'GENERATED', 'USER'));`);
    this.addSql(`alter table "conversations" add constraint "conversations_sale_status_check" check ("sale_status" in ('EXPLORING', 'INTERESTED', 'NEGOTIATING', 'CLOSED', 'LOST'));`);

    this.addSql(`alter table "messages" add constraint "messages_conversation_id_foreign" foreign key ("conversation_id") references "conversations" ("id") on delete cascade;`);
    this.addSql(`alter table "messages" add constraint "messages_in_reply_to_id_foreign" foreign key ("in_reply_to_id") references "messages" ("id") on delete cascade;`);
    this.addSql(`alter table "messages" add constraint "messages_replaces_id_foreign" foreign key ("replaces_id") references "messages" ("id") on delete cascade;`);
    this.addSql(`alter table "messages" add constraint "messages_role_check" check ("role" in ('USER', 'ASSISTANT'));`);
    this.addSql(`alter table "messages" add constraint "messages_status_check" check ("status" in ('STREAMING', 'COMPLETED', 'STOPPED', 'FAILED'));`);
    this.addSql(`alter table "messages" add constraint "messages_error_code_check" check ("error_code" in ('PROVIDER_RATE_LIMITED', 'PROVIDER_QUOTA_EXCEEDED', 'PROVIDER_REJECTED', 'PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'CONTEXT_TOO_LONG', 'CONTENT_FILTERED', 'INTERRUPTED', 'INTERNAL'));`);

    this.addSql(`alter table "asked_requests" add constraint "asked_requests_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);
    this.addSql(`alter table "asked_requests" add constraint "asked_requests_answer_id_foreign" foreign key ("answer_id") references "messages" ("id") on delete cascade;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "sessions" drop constraint "sessions_user_id_foreign";`);
    this.addSql(`alter table "model_calls" drop constraint "model_calls_user_id_foreign";`);
    this.addSql(`alter table "conversations" drop constraint "conversations_owner_id_foreign";`);
    this.addSql(`alter table "asked_requests" drop constraint "asked_requests_user_id_foreign";`);
    this.addSql(`alter table "refresh_tokens" drop constraint "refresh_tokens_session_id_foreign";`);
    this.addSql(`alter table "messages" drop constraint "messages_conversation_id_foreign";`);
    this.addSql(`alter table "messages" drop constraint "messages_in_reply_to_id_foreign";`);
    this.addSql(`alter table "messages" drop constraint "messages_replaces_id_foreign";`);
    this.addSql(`alter table "asked_requests" drop constraint "asked_requests_answer_id_foreign";`);

    this.addSql(`drop table if exists "users" cascade;`);
    this.addSql(`drop table if exists "sessions" cascade;`);
    this.addSql(`drop table if exists "refresh_tokens" cascade;`);
    this.addSql(`drop table if exists "model_calls" cascade;`);
    this.addSql(`drop table if exists "conversations" cascade;`);
    this.addSql(`drop table if exists "messages" cascade;`);
    this.addSql(`drop table if exists "asked_requests" cascade;`);
  }

}
