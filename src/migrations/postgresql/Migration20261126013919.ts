import { Migration } from '@mikro-orm/migrations';

/** Adds the finish reason of answers and two error codes. */
export class Migration20261126013919 extends Migration {
  override name = 'Migration20261126013919';

  override up(): void | Promise<void> {
    this.addSql(`alter table "messages" drop constraint "messages_error_code_check";`);
    this.addSql(`alter table "messages" add "finish_reason" text null;`);
    this.addSql(`alter table "messages" add constraint "messages_finish_reason_check" check ("finish_reason" in ('STOP', 'LENGTH', 'CONTENT_FILTER', 'TOOL_LIMIT'));`);
    this.addSql(`alter table "messages" add constraint "messages_error_code_check" check ("error_code" in ('PROVIDER_RATE_LIMITED', 'PROVIDER_QUOTA_EXCEEDED', 'PROVIDER_REJECTED', 'PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'CONTEXT_TOO_LONG', 'CONTENT_FILTERED', 'OUTPUT_LIMIT', 'PROVIDER_EMPTY', 'INTERRUPTED', 'INTERNAL'));`);
  }

  override down(): void | Promise<void> {
    // The older check does not know these codes.
    this.addSql(`update messages set error_code = 'PROVIDER_UNAVAILABLE' where error_code in ('OUTPUT_LIMIT', 'PROVIDER_EMPTY');`);
    this.addSql(`alter table "messages" drop constraint "messages_finish_reason_check";`);
    this.addSql(`alter table "messages" drop constraint "messages_error_code_check";`);
    this.addSql(`alter table "messages" drop column "finish_reason";`);
    this.addSql(`alter table "messages" add constraint "messages_error_code_check" check ("error_code" in ('PROVIDER_RATE_LIMITED', 'PROVIDER_QUOTA_EXCEEDED', 'PROVIDER_REJECTED', 'PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'CONTEXT_TOO_LONG', 'CONTENT_FILTERED', 'INTERRUPTED', 'INTERNAL'));`);
  }
}
