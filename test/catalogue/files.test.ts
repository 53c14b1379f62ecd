import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importFile } from '../../src/catalogue/import-file.js';
import { Product } from '../../src/catalogue/product.entity.js';
import { ProductService } from '../../src/catalogue/product.service.js';
import { runCommand } from '../kit/command.js';
import { TestServer } from '../kit/server.js';

const CSV = [
  '\ufeffsku,title,description,price,currency,available,categories,attribute:Colour,attribute:Size',
  'T-1,"Tent, ""light""","Two\r\nlines",289.00,EUR,yes,Tents|Camping,Green,',
  'S-1,Stove,,59,EUR,0,,,',
].join('\r\n');

const JSON_LINES = `{"sku":"T-1","title":"Tent, \\"light\\"","description":"Two\\r\\nlines","price":{"amount":"289","currency":"EUR"},"categories":["Tents","Camping"],"attributes":[{"name":"Colour","value":"Green"}]}

{"sku":"S-1","title":"Stove","price":59,"currency":"EUR","available":false}
`;

const FEED = `<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>My shop</title>
  <item>
    <g:id>T-1</g:id><g:title>Tent &amp; pegs</g:title><g:description><![CDATA[For <two>]]></g:description>
    <g:link>https://shop.example/t-1</g:link><g:image_link>https://shop.example/t-1.jpg</g:image_link>
    <g:price>289.00 EUR</g:price><g:availability>in_stock</g:availability>
    <g:product_type>Outdoor &gt; Tents</g:product_type><g:brand>Fernlight</g:brand>
    <g:shipping><g:price>4.95 EUR</g:price></g:shipping>
  </item>
  <item><g:id>S-1</g:id><title>Stove</title><g:price>59 EUR</g:price><g:sale_price>49 EUR</g:sale_price>
    <g:availability>out_of_stock</g:availability></item>
</channel></rss>`;

const TSV = [
  'id\ttitle\tlink\timage link\tprice\tavailability\tbrand',
  'T-1\tTent "light"\thttps://shop.example/t-1\t\tEUR 289.00\tin stock\tFernlight',
].join('\n');

describe('the catalogue commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'));
  const DATABASE_URL = `sqlite:${join(folder, 'parley.db')}`;
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start({ DATABASE_URL })));
  afterEach(() => server.em.nativeDelete(Product, {}));
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (action: string, ...args: string[]) => runCommand('catalogue.js', [action, ...args], { DATABASE_URL });

  async function importText(text: string, ...options: string[]) {
    const file = join(folder, 'products');
    await writeFile(file, text);
    return await run('import', file, ...options);
  }

  const read = async () =>
    (await server.em.find(Product, {}, { orderBy: { sku: 'desc' } })).map(
      ({ id: _id, updatedAt: _at, ...product }) => product,
    );

  const TENT = {
    sku: 'T-1',
    title: 'Tent, "light"',
    description: 'Two\r\nlines',
    url: null,
    imageUrl: null,
    price: 28_900,
    currency: 'EUR',
    available: true,
    categories: ['Tents', 'Camping'],
    attributes: [{ name: 'Colour', value: 'Green' }],
  };
  const STOVE = {
    ...TENT,
    sku: 'S-1',
    title: 'Stove',
    description: null,
    price: 5_900,
    available: false,
    categories: [],
    attributes: [],
  };

  test.each([
    ['CSV', CSV],
    ['CSV with semicolons', CSV.replaceAll(',', ';').replace('Tent;', 'Tent,')],
    ['JSON lines', JSON_LINES],
  ])('import reads %s', async (_name, text) => {
    const { stderr } = await importText(text);
    expect(stderr).toContain('2 added, 0 changed, 0 unchanged, 0 deleted.');
    expect(await read()).toEqual([TENT, STOVE]);
  });

  test('import reads a feed in XML', async () => {
    await importText(FEED);
    const links = { url: 'https://shop.example/t-1', imageUrl: 'https://shop.example/t-1.jpg' };
    const brand = [{ name: 'Brand', value: 'Fernlight' }];
    expect(await read()).toEqual([
      {
        ...TENT,
        ...links,
        title: 'Tent & pegs',
        description: 'For <two>',
        categories: ['Outdoor', 'Tents'],
        attributes: brand,
      },
      { ...STOVE, price: 4_900 },
    ]);
  });

  test('import reads a feed as TSV', async () => {
    await importText(TSV);
    expect(await read()).toMatchObject([
      {
        sku: 'T-1',
        title: 'Tent "light"',
        price: 28_900,
        currency: 'EUR',
        available: true,
        url: 'https://shop.example/t-1',
      },
    ]);
  });

  test('a second import changes what differs, and deletes what is missing only with --delete-missing', async () => {
    await importText(JSON_LINES);
    const changed = JSON_LINES.split('\n')[0]!.replace('289', '299');
    const dryRun = await importText(changed, '--dry-run', '--delete-missing');
    expect(dryRun.stderr).toContain('It would be: 0 added, 1 changed, 0 unchanged, 1 deleted.');
    expect(await read()).toEqual([TENT, STOVE]);
    expect((await importText(changed)).stderr).toContain('0 added, 1 changed, 0 unchanged, 0 deleted.');
    expect((await importText(changed, '--delete-missing')).stderr).toContain(
      '0 added, 0 changed, 1 unchanged, 1 deleted.',
    );
    expect(await read()).toEqual([{ ...TENT, price: 29_900 }]);
  });

  test('an interrupted import keeps whole batches, deletes nothing, and continues when it is run again', async () => {
    await importText(JSON_LINES);
    const file = join(folder, 'many');
    const lines = Array.from({ length: 1_200 }, (_, i) =>
      JSON.stringify({ sku: `M-${i}`, title: `Mug ${i}`, price: 5, currency: 'EUR' }),
    );
    await writeFile(file, lines.join('\n'));
    const interrupted = await importFile(server.em, new ProductService(), file, {
      dryRun: false,
      deleteMissing: true,
      signal: AbortSignal.abort(),
      onBytes() {},
      onMistake() {},
    });
    expect(interrupted).toMatchObject({ added: 500, deleted: 0, lastLine: 500, isComplete: false });
    expect(await server.count('products')).toBe(502);
    expect((await run('import', file, '--delete-missing')).stderr).toContain(
      '700 added, 0 changed, 500 unchanged, 2 deleted.',
    );
    expect(await server.count('products')).toBe(1_200);
  });

  test('mistakes are printed with their lines, the others are imported, and nothing is deleted', async () => {
    await importText(JSON_LINES);
    const wrong = [
      'sku,title,price,currency',
      'A-1,Axe,12.345,EUR',
      'B-1,Bag,12,EUR',
      'C-1,,1,EUR',
      'B-1,Bag again,13,EUR',
      'D-1,too,many,columns,here',
    ].join('\n');
    const failure = await importText(wrong, '--delete-missing').catch(
      (error: unknown) => error as { code: number; stderr: string },
    );
    expect(failure).toMatchObject({ code: 1 });
    const { stderr } = failure;
    expect(stderr).toMatch(/products:2: price\.amount: Must be a decimal number with at most 2 decimals for EUR/);
    expect(stderr).toMatch(/products:4: title: Must be 1 to 200 characters long/);
    expect(stderr).toMatch(/products:5: sku: B-1 is in line 3 already/);
    expect(stderr).toMatch(/products:6: /);
    expect(stderr).toContain('1 added, 0 changed, 0 unchanged, 0 deleted.');
    expect(stderr).toContain('4 records were not imported.');
    expect((await read()).map(({ sku }) => sku)).toEqual(['T-1', 'S-1', 'B-1']);
  });

  test('a feed that ends too early is reported with its line, after the items before it', async () => {
    await expect(importText(FEED.slice(0, FEED.indexOf('<g:sale_price>')))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/products:10: .*unclosed tag.*\n1 added/s),
    });
  });

  test.each([
    ['[{"sku":"T-1"}]', /neither CSV or TSV/],
    ['', /neither CSV or TSV/],
  ])('a file with another form is refused: %j', async (text, message) => {
    await expect(importText(text)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  });

  test('what export writes, import reads without a change', async () => {
    await importText(CSV);
    const file = join(folder, 'exported.jsonl');
    await run('export', file);
    expect(await readFile(file, 'utf8')).toBe((await run('export')).stdout);
    expect((await run('import', file)).stderr).toContain('0 added, 0 changed, 2 unchanged, 0 deleted.');
  });

  test('demo imports products of the demo model', async () => {
    await run('demo');
    expect((await read()).map(({ title }) => title)).toContain('Fernlight two-person tent');
  });
});
