import { Migration } from '@mikro-orm/migrations';

/**
 * The full-text index behind conversations(search:). `search` holds the words of each title and message with their
 * owner; `search_entries` says where each row comes from. Triggers keep both, so nothing that is stored is missed.
 * A migration that rebuilds conversations or messages has to make their triggers again: SQLite drops them with the table.
 */
export class Migration20261121235959_search extends Migration {
  override name = 'Migration20261121235959_search';

  override up(): void {
    this.addSql(`create virtual table search using fts5(
      owner, body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
    );`);
    this.addSql(`create table search_entries (
      id integer primary key,
      conversation_id text not null references conversations (id) on delete cascade,
      message_id text null unique references messages (id) on delete cascade
    );`);
    this.addSql('create index search_entries_conversation on search_entries (conversation_id, message_id);');

    this.addSql(`create trigger search_title_added after insert on conversations begin
      insert into search_entries (conversation_id) values (new.id);
      insert into search (rowid, owner, body) values (last_insert_rowid(), replace(new.owner_id, '-', ''), new.title);
    end;`);
    this.addSql(`create trigger search_title_changed after update of title on conversations when new.title <> old.title begin
      delete from search where rowid = (select id from search_entries where conversation_id = new.id and message_id is null);
      insert into search (rowid, owner, body)
        select id, replace(new.owner_id, '-', ''), new.title from search_entries
        where conversation_id = new.id and message_id is null;
    end;`);

    // An answer is taken in when it has ended, not at each heartbeat.
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

    // An answer whose place another one took has left the conversation.
    this.addSql(`create trigger search_message_replaced after update of position on messages when new.position is null begin
      delete from search_entries where message_id = new.id;
    end;`);

    this.addSql(`create trigger search_entry_removed after delete on search_entries begin
      delete from search where rowid = old.id;
    end;`);

    // What was stored before.
    this.addSql('insert into search_entries (conversation_id) select id from conversations;');
    this.addSql(`insert into search_entries (conversation_id, message_id)
      select conversation_id, id from messages where position is not null and status <> 'STREAMING';`);
    this.addSql(`insert into search (rowid, owner, body)
      select e.id, replace(c.owner_id, '-', ''), coalesce(m.content, c.title) from search_entries e
      join conversations c on c.id = e.conversation_id left join messages m on m.id = e.message_id;`);
  }

  override down(): void {
    for (const trigger of ['title_added', 'title_changed', 'message_added', 'message_ended', 'message_replaced', 'entry_removed']) {
      this.addSql(`drop trigger search_${trigger};`);
    }
    this.addSql('drop table search_entries;');
    this.addSql('drop table search;');
  }
}
