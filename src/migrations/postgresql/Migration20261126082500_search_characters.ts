import { Migration } from '@mikro-orm/migrations';
import { createProgress } from '../../platform/db/progress.js';

const BATCH_SIZE = 1_000;

/**
 * Builds the search index again, with the words of src/platform/db/search-words.ts and with their positions, so that
 * the words of a term must follow each other. A text has an entry for each 2,000 words, because a tsvector holds 1 MiB,
 * and 256 positions of a word. Entries overlap by 64 words, so that a term is found across their border.
 */
export class Migration20261126082500_search_characters extends Migration {
  override name = 'Migration20261126082500_search_characters';

  override async up(): Promise<void> {
    await this.#run([...DROP_FORMER, ...FUNCTIONS, ...TRIGGERS]);
    await this.#fill();
    await this.#run(['create index search_entries_words on search_entries using gin (words);']);
  }

  /** Adds what was stored before, in batches, within the transaction of the migration. */
  async #fill(): Promise<void> {
    const count = 'select (select count(*) from conversations) + (select count(*) from messages) as n';
    const [total] = (await this.execute(count)) as [{ n: string }];
    const report = createProgress('Building the search index', Number(total.n));
    for (const [table, entries] of [
      ['conversations', 'select id, null, search_vectors(owner_id, title) from conversations as t where true'],
      [
        'messages',
        `select c.id, t.id, search_vectors(c.owner_id, t.content)
         from messages as t join conversations as c on c.id = t.conversation_id where ${isFindable('t')}`,
      ],
    ]) {
      for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
        const batch = (await this.execute(
          `select id from (select id from ${table} where id > ? order by id limit ${BATCH_SIZE}) as batch order by id desc`,
          [after],
        )) as { id: string }[];
        if (batch.length === 0) break;
        await this.execute(
          `insert into search_entries (conversation_id, message_id, words) ${entries} and t.id > ? and t.id <= ?`,
          [after, batch[0]!.id],
        );
        after = batch[0]!.id;
        report(batch.length);
      }
    }
  }

  override async down(): Promise<void> {
    await this.#run([
      'drop trigger search_message_changed on messages;',
      'drop trigger search_message_added on messages;',
      'truncate search_entries;',
      'drop index search_entries_words;',
      'drop index search_entries_message;',
      'drop function search_vectors(uuid, text);',
      ...FORMER,
    ]);
  }

  async #run(statements: string[]): Promise<void> {
    for (const statement of statements) await this.execute(statement);
  }
}

/** An answer can be found when it has ended, until another one takes its place. */
const isFindable = (row: string): string => `${row}.status <> 'STREAMING' and ${row}.position is not null`;

/** The ranges of UNSEGMENTED and EMOJI in src/platform/db/search-words.ts. */
const SINGLE = [
  '\\u0E00-\\u0EFF\\u1000-\\u109F\\uA9E0-\\uA9FE\\uAA60-\\uAA7F\\u1780-\\u17FF',
  '\\u1950-\\u19DF\\u1A20-\\u1AAF\\uAA80-\\uAADF\\u1100-\\u11FF\\u3131-\\u318E\\uA960-\\uA97C\\uAC00-\\uD7FB',
  '\\u3041-\\u3096\\u3099\\u309A\\u309D-\\u309F\\u30A1-\\u30FA\\u30FC-\\u30FF\\u31F0-\\u31FF\\U0001AFF0-\\U0001B16F',
  '\\u3105-\\u312F\\u31A0-\\u31BF\\u2E80-\\u2FDF\\u3005-\\u3007\\u3021-\\u3029\\u3031-\\u3035\\u3038-\\u303C',
  '\\u3400-\\u4DBF\\u4E00-\\u9FFF\\uF900-\\uFAFF\\U00020000-\\U0003FFFD',
].join('');
const EMOJI = [
  '\\u00A9\\u00AE\\u2190-\\u21FF\\u2300-\\u23FF\\u25A0-\\u27BF\\u2900-\\u297F\\u2B00-\\u2BFF\\u3030\\u303D',
  '\\U0001F000-\\U0001F3FA\\U0001F400-\\U0001FAFF',
].join('');

const FUNCTIONS = [
  // ICU's collation, and not the database's own, so that every database knows the letters of every script. Runs of more
  // than 30 marks are cut first, because normalizing one takes quadratic time and cannot be interrupted.
  `create or replace function search_words(body text) returns text[]
    language sql immutable strict parallel safe as $$
      select array_remove(regexp_split_to_array(
        regexp_replace(
          translate(lower(normalize(
            regexp_replace(normalize(regexp_replace(
              body collate "und-x-icu", '([^[:alnum:]\\s${EMOJI}]{30})[^[:alnum:]\\s${EMOJI}]+', '\\1', 'g'
            ), NFKD), '([a-zA-Z])[\\u0300-\\u036f]+', '\\1', 'g'), NFC
          ) collate "und-x-icu"), 'ς', 'σ'),
          '([${SINGLE}${EMOJI}])', ' \\1 ', 'g'),
        '[^[:alnum:]${SINGLE}${EMOJI}]+'), '')
    $$;`,
  // Each word follows the end of its owner's id, so that a search reads only the owner's part of the index. Two owners
  // whose ids end alike share that part; conversations are also looked up by their owner.
  `create function search_vectors(owner uuid, body text) returns setof tsvector
    language sql immutable strict parallel safe as $$
      select string_agg(entry, ' ')::tsvector
      from (
        select part, quote_literal(right(owner::text, 8) || left(word, 60)) || ':'
          || string_agg((n - part * 2000)::text, ',' order by n) as entry
        from unnest(search_words(body)) with ordinality as words (word, n),
          generate_series(greatest(n - 65, 0) / 2000, (n - 1) / 2000) as part
        group by part, left(word, 60)
      ) as entries
      group by part
    $$;`,
  // The words of a term follow each other; the last may be the beginning of a word, unless it has one letter only.
  `create or replace function search_query(owner uuid, term text) returns tsquery
    language sql immutable strict parallel safe as $$
      select string_agg(
        quote_literal(right(owner::text, 8) || left(word, 60))
          || case when n = last and length(word) > 1 then ':*' else '' end, ' <-> ' order by n)::tsquery
      from (
        select word, n, max(n) over () as last from unnest(search_words(term)) with ordinality as words (word, n)
      ) as numbered
    $$;`,
];

const TRIGGERS = [
  `create or replace function search_title() returns trigger language plpgsql as $$ begin
    delete from search_entries where conversation_id = new.id and message_id is null;
    insert into search_entries (conversation_id, words) select new.id, search_vectors(new.owner_id, new.title);
    return null;
  end $$;`,
  `create or replace function search_message() returns trigger language plpgsql as $$ begin
    if tg_op = 'UPDATE' then
      delete from search_entries where message_id = new.id;
    end if;
    if ${isFindable('new')} then
      insert into search_entries (conversation_id, message_id, words)
        select id, new.id, search_vectors(owner_id, new.content) from conversations where id = new.conversation_id;
    end if;
    return null;
  end $$;`,
  'create trigger search_message_added after insert on messages for each row execute function search_message();',
  // Heartbeats change the content of an answer that cannot be found yet.
  `create trigger search_message_changed after update of status, position, content on messages
    for each row when (
      (${isFindable('old')}) <> (${isFindable('new')}) or ${isFindable('new')} and new.content <> old.content
    ) execute function search_message();`,
];

const DROP_FORMER = [
  'drop trigger search_message_added on messages;',
  'drop trigger search_message_ended on messages;',
  'drop trigger search_message_replaced on messages;',
  'drop trigger search_message_continued on messages;',
  'drop function search_message_gone();',
  'drop function search_vector(uuid, text);',
  'drop function search_query(uuid, text);',
  'drop index search_entries_words;',
  'alter table search_entries drop constraint search_entries_message_id_key;',
  'create index search_entries_message on search_entries (message_id);',
  'truncate search_entries;',
];

/** The index of Migration20261122012500_search and Migration20261126063735. */
const FORMER = [
  'alter table search_entries add constraint search_entries_message_id_key unique (message_id);',
  `create or replace function search_words(body text) returns text[]
    language sql immutable strict parallel safe as $$
      select regexp_split_to_array(
        translate(lower(normalize(
          regexp_replace(normalize(regexp_replace(
            body collate "und-x-icu", '([^[:alnum:]\\s]{30})[^[:alnum:]\\s]+', '\\1', 'g'
          ), NFKD), '([a-zA-Z])[\\u0300-\\u036f]+', '\\1', 'g'), NFC
        ) collate "und-x-icu"), 'ς', 'σ'),
        '[^[:alnum:]]+')
    $$;`,
  `create function search_vector(owner uuid, body text) returns tsvector
    language sql immutable strict parallel safe as $$
      select array_to_tsvector(coalesce(array_agg(right(owner::text, 8) || word) filter (where size < 1000000), '{}'))
      from (
        select word, sum(octet_length(word) + 8) over (order by min(n)) as size
        from (select left(word, 60) as word, n from unnest(search_words(body)) with ordinality as words (word, n)) as cut
        where word <> '' group by word
      ) as sized
    $$;`,
  'drop function search_query(uuid, text);',
  `create function search_query(owner uuid, word text) returns tsquery
    language sql immutable strict parallel safe as $$
      select string_agg(
        quote_literal(right(owner::text, 8) || left(part, 60)) || case when n = last then ':*' else '' end, ' & ')::tsquery
      from (
        select part, n, max(n) over () as last
        from unnest(search_words(word)) with ordinality as parts (part, n) where part <> ''
      ) as numbered
    $$;`,
  `create or replace function search_title() returns trigger language plpgsql as $$ begin
    delete from search_entries where conversation_id = new.id and message_id is null;
    insert into search_entries (conversation_id, words) values (new.id, search_vector(new.owner_id, new.title));
    return null;
  end $$;`,
  `create or replace function search_message() returns trigger language plpgsql as $$ begin
    insert into search_entries (conversation_id, message_id, words)
      select id, new.id, search_vector(owner_id, new.content) from conversations where id = new.conversation_id;
    return null;
  end $$;`,
  `create function search_message_gone() returns trigger language plpgsql as $$ begin
    delete from search_entries where message_id = new.id;
    return null;
  end $$;`,
  `create trigger search_message_added after insert on messages
    for each row when (new.status <> 'STREAMING') execute function search_message();`,
  `create trigger search_message_ended after update of status on messages
    for each row when (old.status = 'STREAMING' and new.status <> 'STREAMING') execute function search_message();`,
  `create trigger search_message_replaced after update of position on messages
    for each row when (new.position is null) execute function search_message_gone();`,
  `create trigger search_message_continued after update of status on messages
    for each row when (old.status <> 'STREAMING' and new.status = 'STREAMING') execute function search_message_gone();`,
  `insert into search_entries (conversation_id, words) select id, search_vector(owner_id, title) from conversations;`,
  `insert into search_entries (conversation_id, message_id, words)
    select c.id, m.id, search_vector(c.owner_id, m.content) from messages m join conversations c on c.id = m.conversation_id
    where m.position is not null and m.status <> 'STREAMING';`,
  'create index search_entries_words on search_entries using gin (words);',
];
