import { Migration } from '@mikro-orm/migrations';

export class Migration20261126114743_products extends Migration {

  override name = 'Migration20261126114743_products';

  override up(): void | Promise<void> {
    this.addSql(`create table "products" ("id" uuid not null, "sku" text not null, "title" text not null, "description" text null, "url" text null, "image_url" text null, "price" bigint null, "currency" text null, "available" boolean not null default true, "categories" jsonb not null, "attributes" jsonb not null, "updated_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`alter table "products" add constraint "products_sku_unique" unique ("sku");`);
    this.addSql(`create index "products_currency_price_index" on "products" ("currency", "price");`);
    this.addSql(`create index "products_title_id_index" on "products" ("title", "id");`);
    for (const statement of DERIVED) this.addSql(statement);
  }

  override down(): void | Promise<void> {
    for (const table of ['product_entries', 'product_facets']) this.addSql(`drop table ${table};`);
    this.addSql(`drop table if exists "products" cascade;`);
    this.addSql('drop function derive_from_product();');
  }

}

/** The products have no owner, which `search_vectors` puts before each word. */
const NO_OWNER = `'00000000-0000-0000-0000-000000000000'::uuid`;

/**
 * What triggers derive from products: the search index, in the manner of `search_entries` (see the *_search migrations),
 * and the categories (without a name) and attributes that products are filtered by, as words.
 */
const DERIVED = [
  `create table product_facets (
    product_id uuid not null references products (id) on delete cascade, name text not null, value text not null,
    primary key (name, value, product_id)
  );`,
  'create index product_facets_product on product_facets (product_id);',
  `create table product_entries (
    product_id uuid not null references products (id) on delete cascade, words tsvector not null
  );`,
  'create index product_entries_product on product_entries (product_id);',
  'create index product_entries_words on product_entries using gin (words);',
  `create function derive_from_product() returns trigger language plpgsql as $$ begin
    if tg_op = 'UPDATE' then
      delete from product_entries where product_id = new.id;
      delete from product_facets where product_id = new.id;
    end if;
    insert into product_entries (product_id, words)
      select new.id, search_vectors(${NO_OWNER}, concat_ws(' ', new.title, new.sku, new.description,
        (select string_agg(value, ' ') from jsonb_array_elements_text(new.categories) as category (value)),
        (select string_agg(name || ' ' || value, ' ') from jsonb_to_recordset(new.attributes) as a (name text, value text))));
    insert into product_facets (product_id, name, value)
      select new.id, '', array_to_string(search_words(value), ' ')
        from jsonb_array_elements_text(new.categories) as category (value)
      union
      select new.id, array_to_string(search_words(name), ' '), array_to_string(search_words(value), ' ')
        from jsonb_to_recordset(new.attributes) as a (name text, value text);
    return null;
  end $$;`,
  'create trigger product_added after insert on products for each row execute function derive_from_product();',
  `create trigger product_changed after update on products for each row when (
    (new.sku, new.title, new.description, new.categories, new.attributes)
    is distinct from (old.sku, old.title, old.description, old.categories, old.attributes)
  ) execute function derive_from_product();`,
];
