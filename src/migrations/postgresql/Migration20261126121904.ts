import { Migration } from '@mikro-orm/migrations';

export class Migration20261126121904 extends Migration {

  override name = 'Migration20261126121904';

  override up(): void | Promise<void> {
    this.addSql(`create index "conversations_overdue" on "conversations" ("updated_at") where messages_since_context_update >= 20;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "conversations_overdue";`);
  }

}
