import { Migration } from '@mikro-orm/migrations';

export class Migration20261126060851 extends Migration {

  override name = 'Migration20261126060851';

  override up(): void | Promise<void> {
    this.addSql(`create index "model_calls_at_index" on "model_calls" ("at");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "model_calls_at_index";`);
  }

}
