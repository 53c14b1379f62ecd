import { Migration } from '@mikro-orm/migrations';

export class Migration20261126114742_products extends Migration {

  override name = 'Migration20261126114742_products';

  override up(): void | Promise<void> {
    this.addSql(`create table \`products\` (\`id\` text not null primary key, \`sku\` text not null, \`title\` text not null, \`description\` text null, \`url\` text null, \`image_url\` text null, \`price\` bigint null, \`currency\` text null, \`available\` integer not null default true, \`categories\` json not null, \`attributes\` json not null, \`updated_at\` datetime not null);`);
    this.addSql(`create unique index \`products_sku_unique\` on \`products\` (\`sku\`);`);
    this.addSql(`create index \`products_currency_price_index\` on \`products\` (\`currency\`, \`price\`);`);
    this.addSql(`create index \`products_title_id_index\` on \`products\` (\`title\`, \`id\`);`);
    for (const statement of DERIVED) this.addSql(statement);
  }

  override down(): void | Promise<void> {
    this.addSql('drop view product_source;');
    for (const table of ['product_search', 'product_entries', 'product_facets']) this.addSql(`drop table ${table};`);
    this.addSql(`drop table if exists \`products\`;`);
  }

}

/** Whether an update changes what is derived. */
const HAS_CHANGED = ['sku', 'title', 'description', 'categories', 'attributes']
  .map((column) => `new.${column} is not old.${column}`)
  .join(' or ');

const ADD = `insert into product_entries (product_id) values (new.id);
  insert into product_facets (product_id, name, value)
    select new.id, '', search_words(value) from json_each(new.categories)
    union
    select new.id, search_words(value ->> 'name'), search_words(value ->> 'value') from json_each(new.attributes);`;

const REMOVE = `delete from product_entries where product_id = old.id;
  delete from product_facets where product_id = old.id;`;

/**
 * What triggers derive from products: the search index, in the manner of `search` (see the *_search migrations), and the
 * categories (without a name) and attributes that products are filtered by, as words.
 */
const DERIVED = [
  `create table product_facets (
    product_id text not null, name text not null, value text not null, primary key (name, value, product_id)
  ) without rowid;`,
  'create index product_facets_product on product_facets (product_id);',
  'create table product_entries (id integer primary key, product_id text not null unique);',
  `create view product_source as
    select e.id, search_words(
      p.title || ' ' || p.sku || ' ' || coalesce(p.description, '')
      || coalesce((select group_concat(' ' || value, '') from json_each(p.categories)), '')
      || coalesce((
        select group_concat(' ' || (value ->> 'name') || ' ' || (value ->> 'value'), '') from json_each(p.attributes)
      ), '')
    ) as body
    from product_entries e join products p on p.id = e.product_id;`,
  `create virtual table product_search using fts5(
    body, content = 'product_source', content_rowid = 'id', tokenize = 'ascii', prefix = '2 3'
  );`,
  `create trigger product_entry_added after insert on product_entries begin
    insert into product_search (rowid, body) select id, body from product_source where id = new.id;
  end;`,
  `create trigger product_entry_removed before delete on product_entries begin
    insert into product_search (product_search, rowid, body)
      select 'delete', id, body from product_source where id = old.id;
  end;`,
  `create trigger product_added after insert on products begin ${ADD} end;`,
  `create trigger product_changing before update on products when ${HAS_CHANGED} begin ${REMOVE} end;`,
  `create trigger product_changed after update on products when ${HAS_CHANGED} begin ${ADD} end;`,
  `create trigger product_deleted before delete on products begin ${REMOVE} end;`,
];
