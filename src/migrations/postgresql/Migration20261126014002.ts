import { Migration } from '@mikro-orm/migrations';

export class Migration20261126014002 extends Migration {

  override name = 'Migration20261126014002';

  override up(): void | Promise<void> {
    this.addSql(`alter table "users" add "disabled_at" timestamptz(3) null;`);

    this.addSql(`alter table "sessions" drop constraint "sessions_end_reason_check";`);
    this.addSql(`alter table "sessions" add constraint "sessions_end_reason_check" check ("end_reason" in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED', 'ACCOUNT_DISABLED'));`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "sessions" drop constraint "sessions_end_reason_check";`);
    this.addSql(`alter table "sessions" add constraint "sessions_end_reason_check" check ("end_reason" in ('LOGOUT', 'LOGOUT_ALL', 'PASSWORD_CHANGED', 'TOKEN_REUSED'));`);

    this.addSql(`alter table "users" drop column "disabled_at";`);
  }

}
