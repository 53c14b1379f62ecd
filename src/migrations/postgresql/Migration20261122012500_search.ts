import { Migration } from '@mikro-orm/migrations';

/**
 * The full-text index behind conversations(search:), which finds nearly what the one on SQLite does (docs/operations.md). A row of `search_entries`
 * holds the words of a title, or of a message. Triggers keep it, so nothing that is stored is missed.
 */
export class Migration20261122012500_search extends Migration {
  override name = 'Migration20261122012500_search';

  override up(): void {
    // The words of a text as FTS5's tokenizer `unicode61 remove_diacritics 2` takes them: runs of letters and digits, in
    // lower case, Latin letters without their accents. ICU's collation, and not the database's own, so that every
    // database knows the letters of every script. Runs of more than 30 marks are cut first, as Unicode's stream-safe text
    // has it (UAX #15): normalizing one takes the square of its length, and cannot be interrupted.
    this.addSql(`create function search_words(body text) returns text[]
      language sql immutable strict parallel safe as $$
        select regexp_split_to_array(
          translate(lower(normalize(
            regexp_replace(normalize(regexp_replace(
              body collate "und-x-icu", '([^[:alnum:]\\s]{30})[^[:alnum:]\\s]+', '\\1', 'g'
            ), NFKD), '([a-zA-Z])[\\u0300-\\u036f]+', '\\1', 'g'), NFC
          ) collate "und-x-icu"), 'ς', 'σ'),
          '[^[:alnum:]]+')
      $$;`);

    // Each word follows the end of its owner's id, so that a search reads the owner's part of the index only. (Who shares
    // that end costs time, and nothing else: conversations are looked up by their owner besides.) A tsvector holds 1 MiB
    // and words of 2 KiB at most: long words are cut, and what is left of a text with more words is not found.
    this.addSql(`create function search_vector(owner uuid, body text) returns tsvector
      language sql immutable strict parallel safe as $$
        select array_to_tsvector(coalesce(array_agg(right(owner::text, 8) || word) filter (where size < 1000000), '{}'))
        from (
          select word, sum(octet_length(word) + 8) over (order by min(n)) as size
          from (select left(word, 60) as word, n from unnest(search_words(body)) with ordinality as words (word, n)) as cut
          where word <> '' group by word
        ) as sized
      $$;`);

    // Words that follow each other in the order of what is searched for; the last may be the beginning of one.
    this.addSql(`create function search_query(owner uuid, word text) returns tsquery
      language sql immutable strict parallel safe as $$
        select string_agg(
          quote_literal(right(owner::text, 8) || left(part, 60)) || case when n = last then ':*' else '' end, ' & ')::tsquery
        from (
          select part, n, max(n) over () as last
          from unnest(search_words(word)) with ordinality as parts (part, n) where part <> ''
        ) as numbered
      $$;`);

    this.addSql(`create table search_entries (
      id bigint generated always as identity primary key,
      conversation_id uuid not null references conversations (id) on delete cascade,
      message_id uuid null unique references messages (id) on delete cascade,
      words tsvector not null
    );`);
    this.addSql('create index search_entries_conversation on search_entries (conversation_id, message_id);');

    this.addSql(`create function search_title() returns trigger language plpgsql as $$ begin
      delete from search_entries where conversation_id = new.id and message_id is null;
      insert into search_entries (conversation_id, words) values (new.id, search_vector(new.owner_id, new.title));
      return null;
    end $$;`);
    this.addSql(`create trigger search_title_added after insert on conversations
      for each row execute function search_title();`);
    this.addSql(`create trigger search_title_changed after update of title on conversations
      for each row when (new.title <> old.title) execute function search_title();`);

    // An answer is taken in when it has ended, not at each heartbeat.
    this.addSql(`create function search_message() returns trigger language plpgsql as $$ begin
      insert into search_entries (conversation_id, message_id, words)
        select id, new.id, search_vector(owner_id, new.content) from conversations where id = new.conversation_id;
      return null;
    end $$;`);
    this.addSql(`create trigger search_message_added after insert on messages
      for each row when (new.status <> 'STREAMING') execute function search_message();`);
    this.addSql(`create trigger search_message_ended after update of status on messages
      for each row when (old.status = 'STREAMING' and new.status <> 'STREAMING') execute function search_message();`);

    // An answer whose place another one took has left the conversation.
    this.addSql(`create function search_message_gone() returns trigger language plpgsql as $$ begin
      delete from search_entries where message_id = new.id;
      return null;
    end $$;`);
    this.addSql(`create trigger search_message_replaced after update of position on messages
      for each row when (new.position is null) execute function search_message_gone();`);

    // What was stored before.
    this.addSql(`insert into search_entries (conversation_id, words)
      select id, search_vector(owner_id, title) from conversations;`);
    this.addSql(`insert into search_entries (conversation_id, message_id, words)
      select c.id, m.id, search_vector(c.owner_id, m.content) from messages m join conversations c on c.id = m.conversation_id
      where m.position is not null and m.status <> 'STREAMING';`);
    this.addSql('create index search_entries_words on search_entries using gin (words);');
  }

  override down(): void {
    for (const [table, triggers] of [
      ['conversations', ['title_added', 'title_changed']],
      ['messages', ['message_added', 'message_ended', 'message_replaced']],
    ] as const) {
      for (const trigger of triggers) this.addSql(`drop trigger search_${trigger} on ${table};`);
    }
    this.addSql('drop function search_title(), search_message(), search_message_gone();');
    this.addSql('drop table search_entries;');
    this.addSql('drop function search_query(uuid, text), search_vector(uuid, text), search_words(text);');
  }
}
