import { Migration } from '@mikro-orm/migrations';
import { createProgress } from '../../platform/db/progress.js';

const BATCH_SIZE = 1_000;

/**
 * Builds the search index again, with the words of src/platform/db/search-words.ts: the function `search_words`, which
 * each connection defines. A row of `search_entries` names a title, or a message that can be found. Its triggers keep
 * `search`, which stores no text: it reads that of `search_source`, also to find the words to remove. Therefore an entry
 * must be deleted while the text still exists, by a trigger that runs before the text changes.
 * A migration that rebuilds conversations or messages has to create their triggers again: SQLite drops them with the table.
 */
export class Migration20261126082500_search_characters extends Migration {
  override name = 'Migration20261126082500_search_characters';

  override async up(): Promise<void> {
    await this.#run([...DROP_FORMER, ...INDEX, ...TITLE_TRIGGERS, ...MESSAGE_TRIGGERS]);
    await this.#fill();
  }

  /** Adds what was stored before, in batches, within the transaction of the migration. */
  async #fill(): Promise<void> {
    const count = 'select (select count(*) from conversations) + (select count(*) from messages) as n';
    const [total] = (await this.execute(count)) as [{ n: number }];
    const report = createProgress('Building the search index', total.n);
    for (const [table, entries] of [
      ['conversations', 'select id, null from conversations where true'],
      ['messages', `select conversation_id, id from messages where ${isFindable('messages')}`],
    ]) {
      for (let after = 0; ;) {
        const [batch] = (await this.execute(
          `select max(rowid) as last, count(*) as n from (select rowid from ${table} where rowid > ? order by rowid limit ${BATCH_SIZE})`,
          [after],
        )) as [{ last: number | null; n: number }];
        if (batch.last === null) break;
        await this.execute(
          `insert into search_entries (conversation_id, message_id) ${entries} and rowid > ? and rowid <= ?`,
          [after, batch.last],
        );
        after = batch.last;
        report(batch.n);
      }
    }
  }

  override async down(): Promise<void> {
    const triggers = ['title_added', 'title_changing', 'title_changed', 'title_deleted'];
    triggers.push('message_added', 'message_changing', 'message_changed', 'message_deleted');
    await this.#run([
      ...triggers.map((trigger) => `drop trigger search_${trigger};`),
      'drop table search_entries;',
      'drop table search;',
      'drop view search_source;',
      ...FORMER,
    ]);
  }

  async #run(statements: string[]): Promise<void> {
    for (const statement of statements) await this.execute(statement);
  }
}

/** An answer with text can be found when it has ended, until another one takes its place. */
const isFindable = (row: string): string =>
  `${row}.status <> 'STREAMING' and ${row}.position is not null and ${row}.content <> ''`;

const INDEX = [
  // Without foreign keys: they would delete entries after the text.
  `create table search_entries (
    id integer primary key,
    conversation_id text not null,
    message_id text null unique
  );`,
  'create index search_entries_conversation on search_entries (conversation_id, message_id);',
  `create view search_source as
    select e.id, replace(c.owner_id, '-', '') as owner, search_words(coalesce(m.content, c.title)) as body
    from search_entries e
    join conversations c on c.id = e.conversation_id left join messages m on m.id = e.message_id;`,
  // The tokenizer only separates words at spaces. Words of one character need no index of prefixes.
  `create virtual table search using fts5(
    owner, body, content = 'search_source', content_rowid = 'id', columnsize = 0, tokenize = 'ascii', prefix = '2 3'
  );`,
  `create trigger search_entry_added after insert on search_entries begin
    insert into search (rowid, owner, body) select id, owner, body from search_source where id = new.id;
  end;`,
  `create trigger search_entry_removed before delete on search_entries begin
    insert into search (search, rowid, owner, body) select 'delete', id, owner, body from search_source where id = old.id;
  end;`,
];

const TITLE_TRIGGERS = [
  `create trigger search_title_added after insert on conversations begin
    insert into search_entries (conversation_id) values (new.id);
  end;`,
  `create trigger search_title_changing before update of title on conversations when new.title <> old.title begin
    delete from search_entries where conversation_id = old.id and message_id is null;
  end;`,
  `create trigger search_title_changed after update of title on conversations when new.title <> old.title begin
    insert into search_entries (conversation_id) values (new.id);
  end;`,
  `create trigger search_title_deleted before delete on conversations begin
    delete from search_entries where conversation_id = old.id;
  end;`,
];

const MESSAGE_TRIGGERS = [
  `create trigger search_message_added after insert on messages when ${isFindable('new')} begin
    insert into search_entries (conversation_id, message_id) values (new.conversation_id, new.id);
  end;`,
  // Heartbeats change the content of an answer that cannot be found yet.
  `create trigger search_message_changing before update of status, position, content on messages
    when ${isFindable('old')} and (not (${isFindable('new')}) or new.content <> old.content) begin
    delete from search_entries where message_id = old.id;
  end;`,
  `create trigger search_message_changed after update of status, position, content on messages
    when ${isFindable('new')} and (not (${isFindable('old')}) or new.content <> old.content) begin
    insert into search_entries (conversation_id, message_id) values (new.conversation_id, new.id);
  end;`,
  `create trigger search_message_deleted before delete on messages begin
    delete from search_entries where message_id = old.id;
  end;`,
];

const DROP_FORMER = [
  ...['title_added', 'title_changed', 'message_added', 'message_ended', 'message_replaced', 'message_continued'].map(
    (trigger) => `drop trigger search_${trigger};`,
  ),
  'drop table search_entries;',
  'drop table search;',
];

const ADD_MESSAGE = `insert into search_entries (conversation_id, message_id) values (new.conversation_id, new.id);
  insert into search (rowid, owner, body)
    select last_insert_rowid(), replace(owner_id, '-', ''), new.content from conversations where id = new.conversation_id;`;

/** The index of Migration20261121235959_search and Migration20261126063735. */
const FORMER = [
  `create virtual table search using fts5(
    owner, body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
  );`,
  `create table search_entries (
    id integer primary key,
    conversation_id text not null references conversations (id) on delete cascade,
    message_id text null unique references messages (id) on delete cascade
  );`,
  'create index search_entries_conversation on search_entries (conversation_id, message_id);',
  `create trigger search_title_added after insert on conversations begin
    insert into search_entries (conversation_id) values (new.id);
    insert into search (rowid, owner, body) values (last_insert_rowid(), replace(new.owner_id, '-', ''), new.title);
  end;`,
  `create trigger search_title_changed after update of title on conversations when new.title <> old.title begin
    delete from search where rowid = (select id from search_entries where conversation_id = new.id and message_id is null);
    insert into search (rowid, owner, body)
      select id, replace(new.owner_id, '-', ''), new.title from search_entries
      where conversation_id = new.id and message_id is null;
  end;`,
  `create trigger search_message_added after insert on messages when new.status <> 'STREAMING' begin
    ${ADD_MESSAGE}
  end;`,
  `create trigger search_message_ended after update of status on messages
    when old.status = 'STREAMING' and new.status <> 'STREAMING' begin
    ${ADD_MESSAGE}
  end;`,
  `create trigger search_message_replaced after update of position on messages when new.position is null begin
    delete from search_entries where message_id = new.id;
  end;`,
  `create trigger search_message_continued after update of status on messages
    when old.status <> 'STREAMING' and new.status = 'STREAMING' begin
    delete from search_entries where message_id = new.id;
  end;`,
  `create trigger search_entry_removed after delete on search_entries begin
    delete from search where rowid = old.id;
  end;`,
  'insert into search_entries (conversation_id) select id from conversations;',
  `insert into search_entries (conversation_id, message_id)
    select conversation_id, id from messages where position is not null and status <> 'STREAMING';`,
  `insert into search (rowid, owner, body)
    select e.id, replace(c.owner_id, '-', ''), coalesce(m.content, c.title) from search_entries e
    join conversations c on c.id = e.conversation_id left join messages m on m.id = e.message_id;`,
];
