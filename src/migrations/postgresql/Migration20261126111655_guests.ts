import { Migration } from '@mikro-orm/migrations';

export class Migration20261126111655_guests extends Migration {

  override name = 'Migration20261126111655_guests';

  override up(): void | Promise<void> {
    this.addSql(`alter table "users" drop constraint "users_role_check";`);
    this.addSql(`alter table "users" add "email_verified_at" timestamptz(3) null;`);
    this.addSql(`alter table "users" alter column "email" drop not null;`);
    this.addSql(`alter table "users" alter column "email_key" drop not null;`);
    this.addSql(`alter table "users" alter column "password_hash" drop not null;`);
    this.addSql(`create index "users_role_created_at_index" on "users" ("role", "created_at");`);
    this.addSql(`alter table "users" add constraint "users_role_check" check ("role" in ('GUEST', 'USER', 'ADMIN'));`);

    this.addSql(`alter table "sessions" drop constraint "sessions_end_reason_check";`);
    this.addSql(`alter table "sessions" add "claimed_by" uuid null;`);
    this.addSql(`alter table "sessions" add constraint "sessions_end_reason_check" check ("end_reason" in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED', 'ACCOUNT_DISABLED', 'PASSWORD_RESET', 'GUEST_CLAIMED', 'GUEST_IDLE'));`);

    // The index contains the owner, so a conversation that an account claims is indexed again.
    this.addSql(`create function search_owner() returns trigger language plpgsql as $$ begin
      delete from search_entries where conversation_id = new.id;
      insert into search_entries (conversation_id, words) select new.id, search_vectors(new.owner_id, new.title);
      insert into search_entries (conversation_id, message_id, words)
        select new.id, m.id, search_vectors(new.owner_id, m.content) from messages m
        where m.conversation_id = new.id and m.status <> 'STREAMING' and m.position is not null;
      return null;
    end $$;`);
    this.addSql(`create trigger search_owner_changed after update of owner_id on conversations
      for each row when (new.owner_id <> old.owner_id) execute function search_owner();`);
  }

  override down(): void | Promise<void> {
    this.addSql('drop trigger search_owner_changed on conversations;');
    this.addSql('drop function search_owner();');
    // Users without an email or a password stay, but cannot sign in.
    this.addSql(`update sessions set ended_at = now(), end_reason = 'LOGOUT_ALL'
      where ended_at is null and user_id in (select id from users where email is null or password_hash is null);`);
    this.addSql(`update sessions set end_reason = 'LOGOUT_ALL' where end_reason in ('PASSWORD_RESET', 'GUEST_CLAIMED', 'GUEST_IDLE');`);
    this.addSql(`update users set role = 'USER' where role = 'GUEST';`);
    this.addSql(`update users set email = id::text || '@guests.invalid', email_key = id::text || '@guests.invalid' where email is null;`);
    this.addSql(`update users set password_hash = '' where password_hash is null;`);

    this.addSql(`alter table "sessions" drop constraint "sessions_end_reason_check";`);
    this.addSql(`alter table "sessions" drop column "claimed_by";`);
    this.addSql(`alter table "sessions" add constraint "sessions_end_reason_check" check ("end_reason" in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED', 'ACCOUNT_DISABLED'));`);

    this.addSql(`drop index "users_role_created_at_index";`);
    this.addSql(`alter table "users" drop constraint "users_role_check";`);
    this.addSql(`alter table "users" drop column "email_verified_at";`);
    this.addSql(`alter table "users" alter column "email" set not null;`);
    this.addSql(`alter table "users" alter column "email_key" set not null;`);
    this.addSql(`alter table "users" alter column "password_hash" set not null;`);
    this.addSql(`alter table "users" add constraint "users_role_check" check ("role" in ('USER', 'ADMIN'));`);
  }

}
