import { Migration } from '@mikro-orm/migrations';

export class Migration20261126063735 extends Migration {

  override name = 'Migration20261126063735';

  override up(): void | Promise<void> {
    this.addSql(`alter table \`messages\` add column \`reasoning\` text null;`);
    // An answer that is continued is indexed again when it is finished.
    this.addSql(`create trigger search_message_continued after update of status on messages
      when old.status <> 'STREAMING' and new.status = 'STREAMING' begin
      delete from search_entries where message_id = new.id;
    end;`);
  }

  override down(): void | Promise<void> {
    this.addSql('drop trigger search_message_continued;');
    this.addSql(`alter table \`messages\` drop column \`reasoning\`;`);
  }

}
