import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { TestServer } from '../kit/server.js';

const IMPORT = 'mutation ($input: [ProductInput!]!) { importProducts(input: $input) { added changed unchanged } }';
const LIST = `query ($first: Int! = 20, $after: String, $search: String, $filter: ProductFilter) {
  products(first: $first, after: $after, search: $search, filter: $filter) {
    nodes { sku title } totalCount pageInfo { hasNextPage endCursor }
  }
}`;
const PARTS = `id sku title description url imageUrl price { amount currency } available categories
  attributes { name value } updatedAt`;

const TENT = {
  sku: 'T-1',
  title: 'Fernlight two-person tent',
  description: 'Stands in four minutes.',
  url: 'https://shop.example/t-1',
  imageUrl: 'https://shop.example/t-1.jpg',
  price: { amount: '289.00', currency: 'EUR' },
  available: true,
  categories: ['Tents', 'Camping gear'],
  attributes: [
    { name: 'Colour', value: 'Moss green' },
    { name: 'Persons', value: '2' },
  ],
};
const STOVE = { sku: 'S-1', title: 'Cinder gas stove', price: { amount: '59.9', currency: 'EUR' }, available: false };
const KETTLE = { sku: 'K-1', title: '帐篷水壶', price: { amount: '4200', currency: 'JPY' } };

interface TitlePage {
  nodes: { sku: string; title: string }[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
}

describe('the catalogue', () => {
  let server: TestServer;
  let admin: Awaited<ReturnType<TestServer['user']>>;
  beforeEach(async () => {
    server = await TestServer.start();
    admin = await server.user();
    await server.em.nativeUpdate(User, { id: admin.id }, { role: Role.ADMIN });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const put = async (...input: object[]) =>
    (await admin.request<{ importProducts: object }>(IMPORT, { input })).importProducts;
  const find = async (variables: object) =>
    (await admin.request<{ products: { nodes: { sku: string }[]; totalCount: number } }>(LIST, { ...variables }))
      .products;
  const skus = async (variables: object) => (await find(variables)).nodes.map(({ sku }) => sku);

  test('products are added, changed by SKU, and left alone when nothing differs', async () => {
    expect(await put(TENT, STOVE)).toEqual({ added: 2, changed: 0, unchanged: 0 });
    const read = `{ product(sku: "T-1") { ${PARTS} } }`;
    const { product } = await admin.request<{ product: { id: string; updatedAt: string } }>(read);
    expect(product).toEqual({ id: expect.any(String), updatedAt: expect.any(String), ...TENT });
    expect(await put({ ...STOVE, price: null }, TENT, KETTLE)).toEqual({ added: 1, changed: 1, unchanged: 1 });
    expect(await admin.request(read)).toEqual({ product });
    expect(await admin.request('{ product(sku: "S-1") { price { amount } available description } }')).toEqual({
      product: { price: null, available: false, description: null },
    });
    const byId = 'query ($id: ID!) { product(id: $id) { sku } node(id: $id) { __typename id } }';
    expect(await admin.request(byId, { id: product.id })).toEqual({
      product: { sku: 'T-1' },
      node: { __typename: 'Product', id: product.id },
    });
  });

  test('amounts have the decimals of their currency', async () => {
    await put(STOVE, KETTLE);
    const prices = await admin.request('{ products { nodes { sku price { amount currency } } } }');
    expect(prices).toEqual({
      products: {
        nodes: [
          { sku: 'S-1', price: { amount: '59.90', currency: 'EUR' } },
          { sku: 'K-1', price: { amount: '4200', currency: 'JPY' } },
        ],
      },
    });
  });

  test('an import with a mistake changes nothing, and names each field', async () => {
    const wrong = [
      TENT,
      { sku: '', title: 'x'.repeat(201) },
      { sku: 'a[b]', title: ' ', url: 'javascript:alert(1)' },
      { sku: 'P', title: 'Pen', price: { amount: '1.005', currency: 'EUR' } },
      { sku: 'Q', title: 'Pen', price: { amount: '-1', currency: 'JPY' }, categories: Array(21).fill('x') },
      { sku: 'R', title: 'Pen', price: { amount: '1', currency: 'XYZ' }, description: 'x'.repeat(5001) },
      TENT,
    ];
    const [error] = await admin.getErrors(IMPORT, { input: wrong });
    expect(error!.extensions['code']).toBe('BAD_USER_INPUT');
    expect(Object.keys(error!.extensions['fields'] as object).sort()).toEqual([
      'input.1.sku',
      'input.1.title',
      'input.2.sku',
      'input.2.title',
      'input.2.url',
      'input.3.price.amount',
      'input.4.categories',
      'input.4.price.amount',
      'input.5.description',
      'input.5.price.currency',
      'input.6.sku',
    ]);
    expect(await find({})).toMatchObject({ nodes: [], totalCount: 0 });
    const many = Array.from({ length: 501 }, (_, i) => ({ sku: String(i), title: 'Pen' }));
    expect(await admin.getErrorCode(IMPORT, { input: many })).toBe('BAD_USER_INPUT');
  });

  test('products are deleted by SKU, with what is derived from them', async () => {
    await put(TENT, STOVE);
    expect(await admin.request('mutation { deleteProducts(skus: ["T-1", "T-1", "unknown"]) }')).toEqual({
      deleteProducts: 1,
    });
    expect(await admin.request('{ product(sku: "T-1") { id } }')).toEqual({ product: null });
    expect(await skus({ search: 'tent' })).toEqual([]);
    expect(await server.count('product_facets')).toBe(0);
    expect(await server.count('product_entries')).toBe(1);
  });

  test('only administrators may change the catalogue, and any session may read it', async () => {
    await put(TENT);
    const jane = await server.user();
    expect(await jane.getErrorCode(IMPORT, { input: [STOVE] })).toBe('FORBIDDEN');
    expect(await jane.getErrorCode('mutation { deleteProducts(skus: ["T-1"]) }')).toBe('FORBIDDEN');
    expect(await jane.request('{ product(sku: "T-1") { title } }')).toEqual({ product: { title: TENT.title } });
    expect(await server.anyone.getErrorCode('{ product(sku: "T-1") { title } }')).toBe('UNAUTHENTICATED');
    expect(await server.anyone.getErrorCode(LIST, {})).toBe('UNAUTHENTICATED');
    expect(await jane.getErrorCode('{ product { title } }')).toBe('BAD_USER_INPUT');
    expect(await jane.getErrorCode('{ product(sku: "a", id: "b") { title } }')).toBe('BAD_USER_INPUT');
  });

  test.each([
    ['tent', ['T-1']],
    ['TENTS', ['T-1']],
    ['fern two', ['T-1']],
    ['moss', ['T-1']],
    ['four min', ['T-1']],
    ['帐篷', ['K-1']],
    ['炉子', []],
    ['stove tent', []],
    ['" OR *', []],
    ['', ['S-1', 'T-1', 'K-1']],
  ])('the search for %j finds %j', async (search, expected) => {
    await put(TENT, STOVE, KETTLE);
    expect(await skus({ search })).toEqual(expected);
  });

  test('the search follows changes', async () => {
    await put(TENT);
    await put({ ...TENT, title: 'Yurt', description: null, categories: [], url: null });
    expect(await skus({ search: 'fernlight' })).toEqual([]);
    expect(await skus({ search: 'yurt moss' })).toEqual(['T-1']);
    expect(await skus({ filter: { category: 'Tents' } })).toEqual([]);
  });

  test.each<[object, string[]]>([
    [{ available: true }, ['T-1', 'K-1']],
    [{ available: false }, ['S-1']],
    [{ minPrice: { amount: '59.90', currency: 'EUR' } }, ['S-1', 'T-1']],
    [{ minPrice: { amount: '59.91', currency: 'EUR' } }, ['T-1']],
    [{ maxPrice: { amount: '59.90', currency: 'EUR' } }, ['S-1']],
    [{ maxPrice: { amount: '9999', currency: 'JPY' } }, ['K-1']],
    [{ maxPrice: { amount: '9999', currency: 'USD' } }, []],
    [{ category: 'camping GEAR' }, ['T-1']],
    [{ category: 'camping' }, []],
    [{ attributes: [{ name: 'colour', value: 'moss green' }] }, ['T-1']],
    [
      {
        attributes: [
          { name: 'colour', value: 'moss green' },
          { name: 'persons', value: '3' },
        ],
      },
      [],
    ],
    [{ available: true, category: 'tents', minPrice: { amount: '1', currency: 'EUR' } }, ['T-1']],
  ])('the filter %j includes %j', async (filter, expected) => {
    await put(TENT, STOVE, KETTLE);
    const page = await find({ filter });
    expect(page.nodes.map(({ sku }) => sku)).toEqual(expected);
    expect(page.totalCount).toBe(expected.length);
  });

  test.each<[object, string]>([
    [{ minPrice: { amount: '1', currency: 'EUR' }, maxPrice: { amount: '2', currency: 'USD' } }, 'filter.maxPrice'],
    [{ minPrice: { amount: 'cheap', currency: 'EUR' } }, 'filter.minPrice'],
    [{ maxPrice: { amount: '1', currency: '€' } }, 'filter.maxPrice'],
    [{ attributes: Array(21).fill({ name: 'a', value: 'b' }) }, 'filter.attributes'],
  ])('the filter %j is refused with its field', async (filter, field) => {
    const [error] = await admin.getErrors(LIST, { filter });
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
  });

  test('pages follow the titles without gaps', async () => {
    await put(
      ...Array.from({ length: 45 }, (_, i) => ({ sku: `P-${i}`, title: `Pen ${String(i % 30).padStart(2, '0')}` })),
    );
    const found: { sku: string; title: string }[] = [];
    for (let after: string | null = null; ;) {
      const { products }: { products: TitlePage } = await admin.request(LIST, { first: 7, after, search: 'pen' });
      found.push(...products.nodes);
      if (!products.pageInfo.hasNextPage) break;
      after = products.pageInfo.endCursor;
    }
    expect(new Set(found.map(({ sku }) => sku)).size).toBe(45);
    const titles = found.map(({ title }) => title);
    expect(titles).toEqual([...titles].sort());
  });

  test('imports at the same time add each SKU once', async () => {
    const results = await Promise.all(Array.from({ length: 5 }, () => put(TENT, STOVE)));
    expect(results.filter((result) => (result as { added: number }).added === 2)).toHaveLength(1);
    expect(await server.count('products')).toBe(2);
  });
});
