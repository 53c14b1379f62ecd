import { Migration } from '@mikro-orm/migrations';

/** Adds the finish reason of answers and two error codes. Rebuilding `messages` drops its triggers, so they are created again. */
export class Migration20261126013919 extends Migration {
  override name = 'Migration20261126013919';

  override up(): void | Promise<void> {
    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`messages__temp_alter\` (\`id\` text not null primary key, \`conversation_id\` text not null, \`position\` integer null, \`role\` text check (\`role\` in ('USER', 'ASSISTANT')) not null, \`content\` text not null default '', \`status\` text check (\`status\` in ('STREAMING', 'COMPLETED', 'STOPPED', 'FAILED')) not null, \`error_code\` text check (\`error_code\` in ('PROVIDER_RATE_LIMITED', 'PROVIDER_QUOTA_EXCEEDED', 'PROVIDER_REJECTED', 'PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'CONTEXT_TOO_LONG', 'CONTENT_FILTERED', 'OUTPUT_LIMIT', 'PROVIDER_EMPTY', 'INTERRUPTED', 'INTERNAL')) null, \`finish_reason\` text check (\`finish_reason\` in ('STOP', 'LENGTH', 'CONTENT_FILTER', 'TOOL_LIMIT')) null, \`in_reply_to_id\` text null, \`replaces_id\` text null, \`model\` text null, \`prompt_tokens\` integer null, \`completion_tokens\` integer null, \`usage_estimated\` integer not null default false, \`lease_owner\` text null, \`lease_expires_at\` datetime null, \`created_at\` datetime not null, \`finished_at\` datetime null, constraint \`messages_conversation_id_foreign\` foreign key (\`conversation_id\`) references \`conversations\` (\`id\`) on delete cascade, constraint \`messages_in_reply_to_id_foreign\` foreign key (\`in_reply_to_id\`) references \`messages\` (\`id\`) on delete cascade, constraint \`messages_replaces_id_foreign\` foreign key (\`replaces_id\`) references \`messages\` (\`id\`) on delete cascade);`);
    this.addSql(`insert into \`messages__temp_alter\` select \`id\`, \`conversation_id\`, \`position\`, \`role\`, \`content\`, \`status\`, \`error_code\`, null as \`finish_reason\`, \`in_reply_to_id\`, \`replaces_id\`, \`model\`, \`prompt_tokens\`, \`completion_tokens\`, \`usage_estimated\`, \`lease_owner\`, \`lease_expires_at\`, \`created_at\`, \`finished_at\` from \`messages\`;`);
    this.addSql(`drop table \`messages\`;`);
    this.addSql(`alter table \`messages__temp_alter\` rename to \`messages\`;`);
    this.addSql(`create index \`messages_replaces_id_index\` on \`messages\` (\`replaces_id\`);`);
    this.addSql(`create index \`messages_in_reply_to_id_index\` on \`messages\` (\`in_reply_to_id\`);`);
    this.addSql(`create index \`messages_lease\` on \`messages\` (\`lease_expires_at\`) where status = 'STREAMING';`);
    this.addSql(`create unique index \`messages_one_streaming\` on \`messages\` (\`conversation_id\`) where status = 'STREAMING';`);
    this.addSql(`create unique index \`messages_conversation_id_position_unique\` on \`messages\` (\`conversation_id\`, \`position\`);`);
    this.#createTriggers();
    this.addSql(`pragma foreign_keys = on;`);
  }

  override down(): void | Promise<void> {
    // The older check does not know these codes.
    this.addSql(`update messages set error_code = 'PROVIDER_UNAVAILABLE' where error_code in ('OUTPUT_LIMIT', 'PROVIDER_EMPTY');`);
    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`messages__temp_alter\` (\`completion_tokens\` integer null, \`content\` text not null default '', \`conversation_id\` text not null, \`created_at\` datetime not null, \`error_code\` text check (\`error_code\` in ('PROVIDER_RATE_LIMITED', 'PROVIDER_QUOTA_EXCEEDED', 'PROVIDER_REJECTED', 'PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'CONTEXT_TOO_LONG', 'CONTENT_FILTERED', 'INTERRUPTED', 'INTERNAL')) null, \`finished_at\` datetime null, \`id\` text not null primary key, \`in_reply_to_id\` text null, \`lease_expires_at\` datetime null, \`lease_owner\` text null, \`model\` text null, \`position\` integer null, \`prompt_tokens\` integer null, \`replaces_id\` text null, \`role\` text check (\`role\` in ('USER', 'ASSISTANT')) not null, \`status\` text check (\`status\` in ('STREAMING', 'COMPLETED', 'STOPPED', 'FAILED')) not null, \`usage_estimated\` integer not null default false, constraint \`messages_conversation_id_foreign\` foreign key (\`conversation_id\`) references \`conversations\` (\`id\`) on delete cascade, constraint \`messages_in_reply_to_id_foreign\` foreign key (\`in_reply_to_id\`) references \`messages\` (\`id\`) on delete cascade, constraint \`messages_replaces_id_foreign\` foreign key (\`replaces_id\`) references \`messages\` (\`id\`) on delete cascade);`);
    this.addSql(`insert into \`messages__temp_alter\` select \`completion_tokens\`, \`content\`, \`conversation_id\`, \`created_at\`, \`error_code\`, \`finished_at\`, \`id\`, \`in_reply_to_id\`, \`lease_expires_at\`, \`lease_owner\`, \`model\`, \`position\`, \`prompt_tokens\`, \`replaces_id\`, \`role\`, \`status\`, \`usage_estimated\` from \`messages\`;`);
    this.addSql(`drop table \`messages\`;`);
    this.addSql(`alter table \`messages__temp_alter\` rename to \`messages\`;`);
    this.addSql(`create unique index \`messages_conversation_id_position_unique\` on \`messages\` (\`conversation_id\`, \`position\`);`);
    this.addSql(`create index \`messages_in_reply_to_id_index\` on \`messages\` (\`in_reply_to_id\`);`);
    this.addSql(`create index \`messages_lease\` on \`messages\` (\`lease_expires_at\`) where status = 'STREAMING';`);
    this.addSql(`create unique index \`messages_one_streaming\` on \`messages\` (\`conversation_id\`) where status = 'STREAMING';`);
    this.addSql(`create index \`messages_replaces_id_index\` on \`messages\` (\`replaces_id\`);`);
    this.#createTriggers();
    this.addSql(`pragma foreign_keys = on;`);
  }

  /** The triggers of Migration20261121235959_search on this table. */
  #createTriggers(): void {
    const addMessage = `insert into search_entries (conversation_id, message_id) values (new.conversation_id, new.id);
      insert into search (rowid, owner, body)
        select last_insert_rowid(), replace(owner_id, '-', ''), new.content from conversations where id = new.conversation_id;`;
    this.addSql(`create trigger search_message_added after insert on messages when new.status <> 'STREAMING' begin
      ${addMessage}
    end;`);
    this.addSql(`create trigger search_message_ended after update of status on messages
      when old.status = 'STREAMING' and new.status <> 'STREAMING' begin
      ${addMessage}
    end;`);
    this.addSql(`create trigger search_message_replaced after update of position on messages when new.position is null begin
      delete from search_entries where message_id = new.id;
    end;`);
  }
}
