import { Migration } from '@mikro-orm/migrations';

export class Migration20261126111655_guests extends Migration {

  override name = 'Migration20261126111655_guests';

  override up(): void | Promise<void> {
    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`users__temp_alter\` (\`id\` text not null primary key, \`email\` text null, \`email_key\` text null, \`email_verified_at\` datetime null, \`password_hash\` text null, \`name\` text null, \`phone\` text null, \`role\` text check (\`role\` in ('GUEST', 'USER', 'ADMIN')) not null default 'USER', \`disabled_at\` datetime null, \`created_at\` datetime not null, \`updated_at\` datetime not null);`);
    this.addSql(`insert into \`users__temp_alter\` select \`id\`, \`email\`, \`email_key\`, null as \`email_verified_at\`, \`password_hash\`, \`name\`, \`phone\`, \`role\`, \`disabled_at\`, \`created_at\`, \`updated_at\` from \`users\`;`);
    this.addSql(`drop table \`users\`;`);
    this.addSql(`alter table \`users__temp_alter\` rename to \`users\`;`);
    this.addSql(`create unique index \`users_email_key_unique\` on \`users\` (\`email_key\`);`);
    this.addSql(`create index \`users_role_created_at_index\` on \`users\` (\`role\`, \`created_at\`);`);
    this.addSql(`pragma foreign_keys = on;`);

    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`sessions__temp_alter\` (\`id\` text not null primary key, \`user_id\` text not null, \`user_agent\` text null, \`address_hash\` text null, \`created_at\` datetime not null, \`last_used_at\` datetime not null, \`expires_at\` datetime not null, \`generation\` integer not null default 0, \`token_version\` integer not null default 0, \`ended_at\` datetime null, \`end_reason\` text check (\`end_reason\` in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED', 'ACCOUNT_DISABLED', 'PASSWORD_RESET', 'GUEST_CLAIMED', 'GUEST_IDLE')) null, \`claimed_by\` text null, constraint \`sessions_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`insert into \`sessions__temp_alter\` select \`id\`, \`user_id\`, \`user_agent\`, \`address_hash\`, \`created_at\`, \`last_used_at\`, \`expires_at\`, \`generation\`, \`token_version\`, \`ended_at\`, \`end_reason\`, null as \`claimed_by\` from \`sessions\`;`);
    this.addSql(`drop table \`sessions\`;`);
    this.addSql(`alter table \`sessions__temp_alter\` rename to \`sessions\`;`);
    this.addSql(`create index \`sessions_ended_at_index\` on \`sessions\` (\`ended_at\`);`);
    this.addSql(`create index \`sessions_expires_at_index\` on \`sessions\` (\`expires_at\`);`);
    this.addSql(`create index \`sessions_user_id_ended_at_index\` on \`sessions\` (\`user_id\`, \`ended_at\`);`);
    this.addSql(`pragma foreign_keys = on;`);

    // The index contains the owner, so a conversation that an account claims is indexed again.
    this.addSql(`create trigger search_owner_changing before update of owner_id on conversations when new.owner_id <> old.owner_id begin
      delete from search_entries where conversation_id = old.id;
    end;`);
    this.addSql(`create trigger search_owner_changed after update of owner_id on conversations when new.owner_id <> old.owner_id begin
      insert into search_entries (conversation_id) values (new.id);
      insert into search_entries (conversation_id, message_id) select conversation_id, id from messages
        where conversation_id = new.id and status <> 'STREAMING' and position is not null and content <> '';
    end;`);
  }

  override down(): void | Promise<void> {
    this.addSql('drop trigger search_owner_changing;');
    this.addSql('drop trigger search_owner_changed;');
    // Users without an email or a password stay, but cannot sign in.
    this.addSql(`update sessions set ended_at = strftime('%s', 'now') * 1000, end_reason = 'LOGOUT_ALL'
      where ended_at is null and user_id in (select id from users where email is null or password_hash is null);`);
    this.addSql(`update sessions set end_reason = 'LOGOUT_ALL' where end_reason in ('PASSWORD_RESET', 'GUEST_CLAIMED', 'GUEST_IDLE');`);
    this.addSql(`update users set role = 'USER' where role = 'GUEST';`);
    this.addSql(`update users set email = id || '@guests.invalid', email_key = id || '@guests.invalid' where email is null;`);
    this.addSql(`update users set password_hash = '' where password_hash is null;`);

    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`sessions__temp_alter\` (\`address_hash\` text null, \`created_at\` datetime not null, \`end_reason\` text check (\`end_reason\` in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED', 'ACCOUNT_DISABLED')) null, \`ended_at\` datetime null, \`expires_at\` datetime not null, \`generation\` integer not null default 0, \`id\` text not null primary key, \`last_used_at\` datetime not null, \`token_version\` integer not null default 0, \`user_agent\` text null, \`user_id\` text not null, constraint \`sessions_user_id_foreign\` foreign key (\`user_id\`) references \`users\` (\`id\`) on delete cascade);`);
    this.addSql(`insert into \`sessions__temp_alter\` select \`address_hash\`, \`created_at\`, \`end_reason\`, \`ended_at\`, \`expires_at\`, \`generation\`, \`id\`, \`last_used_at\`, \`token_version\`, \`user_agent\`, \`user_id\` from \`sessions\`;`);
    this.addSql(`drop table \`sessions\`;`);
    this.addSql(`alter table \`sessions__temp_alter\` rename to \`sessions\`;`);
    this.addSql(`create index \`sessions_ended_at_index\` on \`sessions\` (\`ended_at\`);`);
    this.addSql(`create index \`sessions_expires_at_index\` on \`sessions\` (\`expires_at\`);`);
    this.addSql(`create index \`sessions_user_id_ended_at_index\` on \`sessions\` (\`user_id\`, \`ended_at\`);`);
    this.addSql(`pragma foreign_keys = on;`);

    this.addSql(`pragma foreign_keys = off;`);
    this.addSql(`create table \`users__temp_alter\` (\`created_at\` datetime not null, \`disabled_at\` datetime null, \`email\` text not null, \`email_key\` text not null, \`id\` text not null primary key, \`name\` text null, \`password_hash\` text not null, \`phone\` text null, \`role\` text check (\`role\` in ('USER', 'ADMIN')) not null default 'USER', \`updated_at\` datetime not null);`);
    this.addSql(`insert into \`users__temp_alter\` select \`created_at\`, \`disabled_at\`, \`email\`, \`email_key\`, \`id\`, \`name\`, \`password_hash\`, \`phone\`, \`role\`, \`updated_at\` from \`users\`;`);
    this.addSql(`drop table \`users\`;`);
    this.addSql(`alter table \`users__temp_alter\` rename to \`users\`;`);
    this.addSql(`create unique index \`users_email_key_unique\` on \`users\` (\`email_key\`);`);
    this.addSql(`pragma foreign_keys = on;`);
  }

}
