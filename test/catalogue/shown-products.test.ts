import {
  ContinueAnswerDocument,
  RegenerateAnswerDocument,
  SalesReportDocument,
  StopAnswerDocument,
} from '../../client/src/generated/graphql.js';
import { CONTINUATION, SHOW_PRODUCTS } from '../../src/memory/instructions.js';
import { FakeProvider, METADATA } from '../kit/fake-provider.js';
import { createPriceCorpus } from '../kit/price-corpus.js';
import { createRandom } from '../kit/random.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

const TENT = {
  sku: 'T-1',
  title: 'Fern tent',
  price: { amount: '289.00', currency: 'EUR' },
  url: 'https://shop.test/t',
};
const STOVE = { sku: 'S-1', title: 'Cinder stove', price: { amount: '59.99', currency: 'EUR' } };
const IMPORT = 'mutation ($input: [ProductInput!]!) { importProducts(input: $input) { added } }';
const CURRENT = `query ($id: ID!) { message(id: $id) { products {
  product { price { amount } current { price { amount } } }
} } }`;

describe('products in answers', () => {
  let server: TestServer;
  let jane: ApiClient & { id: string };
  beforeAll(async () => {
    server = await TestServer.start();
    jane = await server.user();
    await server.em.execute(`update users set role = 'ADMIN' where id = ?`, [jane.id]);
    await importProducts(TENT, STOVE);
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(() => (server.provider.answer = FakeProvider.echo));

  async function importProducts(...input: object[]): Promise<void> {
    await jane.request(IMPORT, { input });
  }

  /** Answers the next question with these tokens. */
  async function answer(tokens: string[], question = 'Tents?', conversationId?: string) {
    server.provider.answer = () => tokens;
    return (await jane.ask(question, { stream: false, conversationId })).answer;
  }

  const places = ({ products }: { products: readonly { offset: number; product: { sku: string } }[] }) =>
    products.map(({ offset, product }) => `${offset} ${product.sku}`);

  test('a marker becomes a product with its facts, and no part of the text', async () => {
    const told = await answer(['A tent', '. [[pro', 'duct:T-1', ']', ']\n', 'Warm. [[product:none]][[product:S-1]]']);
    expect(told.content).toBe('A tent. \nWarm. ');
    expect(places(told)).toEqual(['8 T-1', '15 S-1']);
    expect(told.products[0]!.product).toMatchObject({ ...TENT, imageUrl: null, available: true });
    expect(Date.parse(told.products[0]!.product.checkedAt)).toBeLessThanOrEqual(Date.now());
    expect(await jane.message(told.id)).toMatchObject({ content: told.content, products: told.products });
  });

  test('the model is asked for markers, and reads those of its earlier answers', async () => {
    const { id } = await answer(['A tent: [[product:T-1]].']);
    const { conversation } = await jane.message(id);
    await answer(['Yes.'], 'And a stove?', conversation.id);
    const { messages } = server.provider.requests.at(-1)!;
    expect(messages[0]!.content).toContain(SHOW_PRODUCTS);
    expect(messages.map(({ content }) => content)).toContain('A tent: [[product:T-1]].');
  });

  test('followers get each product behind the text before it, live and afterwards', async () => {
    const taken = server.provider.takeCall();
    const { answer: asked } = await jane.ask('Tents?');
    const call = await taken;
    const follower = jane.follow(asked.id);
    call.delta('One. [[product:T-1]]');
    await follower.until('One. ');
    let shown = await follower.next();
    while (shown?.__typename !== 'ProductShown') shown = await follower.next();
    expect(shown.mention).toMatchObject({ offset: 5, product: { sku: 'T-1' } });
    call.delta(' Two. [[product:S-1]]');
    FakeProvider.done(call);
    const types = (await follower.rest()).map(({ __typename }) => __typename);
    expect(types).toEqual(['AnswerDelta', 'ProductShown', 'AnswerDelta', 'ProductShown', 'AnswerFinished']);
    expect(places(follower.finished!)).toEqual(['5 T-1', '11 S-1']);

    const again = await jane.follow(asked.id).rest();
    expect(again.map(({ __typename }) => __typename)).toEqual([
      'AnswerDelta',
      'ProductShown',
      'ProductShown',
      'AnswerFinished',
    ]);
  });

  test('a product stays as it was shown when it is changed and removed', async () => {
    await importProducts({ ...TENT, sku: 'T-2' });
    const { id } = await answer(['[[product:T-2]]']);
    const read = async () =>
      (await jane.request<{ message: { products: { product: object }[] } }>(CURRENT, { id })).message.products[0]!
        .product;
    await importProducts({ ...TENT, sku: 'T-2', price: { amount: '199.00', currency: 'EUR' } });
    expect(await read()).toEqual({
      price: { amount: '289.00' },
      current: { price: { amount: '199.00' } },
    });
    await jane.request('mutation { deleteProducts(skus: ["T-2"]) }');
    expect(await read()).toEqual({ price: { amount: '289.00' }, current: null });
  });

  test('a stopped answer keeps its products; its continuation adds to them', async () => {
    const taken = server.provider.takeCall();
    const { answer: asked } = await jane.ask('Tents?');
    const call = await taken;
    const follower = jane.follow(asked.id);
    call.delta('One. [[product:T-1]] Two [[product:S');
    await follower.until('One.  Two ');
    await jane.request(StopAnswerDocument, { input: { answerId: asked.id } });
    const stopped = await jane.message(asked.id);
    expect(stopped).toMatchObject({ status: 'STOPPED', content: 'One.  Two ' });
    expect(places(stopped)).toEqual(['5 T-1']);

    server.provider.answer = () => ['more. ', '[[product:S-1]]'];
    await jane.request(ContinueAnswerDocument, { input: { answerId: asked.id, stream: false } });
    const { messages } = server.provider.requests.at(-1)!;
    expect(messages.slice(-2).map(({ content }) => content)).toEqual(['One. [[product:T-1]] Two ', CONTINUATION]);
    const continued = await jane.message(asked.id);
    expect(continued.content).toBe('One.  Two more. ');
    expect(places(continued)).toEqual(['5 T-1', '16 S-1']);

    server.provider.answer = () => ['Another.'];
    const { regenerateAnswer } = await jane.request(RegenerateAnswerDocument, {
      input: { answerId: asked.id, stream: false },
    });
    expect(regenerateAnswer.answer.products).toEqual([]);
    expect(places(await jane.message(asked.id))).toEqual(['5 T-1', '16 S-1']);
  });

  test('after a crash a product is within the text that was saved', async () => {
    const { id } = await answer(['A tent. [[product:T-1]] Warm.']);
    // The state that a killed instance leaves: an older text, and a lease that has expired.
    await server.em.execute(
      `update messages set status = 'STREAMING', content = 'A te', finished_at = null, lease_owner = 'nobody',
       lease_expires_at = ? where id = ?`,
      [new Date(Date.now() - 1_000), id],
    );
    await until(async () => (await jane.message(id)).status === 'FAILED');
    const taken = await jane.message(id);
    // Redis still has the whole text.
    const expected =
      server.instances.length > 1
        ? { content: 'A tent.  Warm.', places: ['8 T-1'] }
        : { content: 'A te', places: ['4 T-1'] };
    expect({ content: taken.content, places: places(taken) }).toEqual(expected);
  });

  test.each([1, 2, 3])(
    'an answer with 1,000 random cuts is what followers get and what is stored (seed %d)',
    async (seed) => {
      const random = createRandom(seed);
      const part = 'Two: [[product:T-1]] and [[product:S-1]]; no [[product:X]], [[a]] 🌱[[pro [[product:';
      const text = part.repeat(12);
      const cuts = Array.from({ length: 1_000 }, () => Math.floor(random() * text.length));
      const edges = [0, ...cuts.sort((a, b) => a - b), text.length];
      const taken = server.provider.takeCall();
      const { answer: asked } = await jane.ask('Tents?');
      const follower = jane.follow(asked.id);
      const call = await taken;
      for (const [i, to] of edges.slice(1).entries()) call.delta(text.slice(edges[i], to));
      FakeProvider.done(call);
      const events = await follower.rest();
      const plain = 'Two:  and ; no , [[a]] 🌱[[pro [[product:';
      expect(follower.text).toBe(plain.repeat(12));
      expect(follower.finished).toMatchObject({ content: follower.text, status: 'COMPLETED' });
      const expected = Array.from({ length: 12 }, (_, i) => [
        `${i * plain.length + 5} T-1`,
        `${i * plain.length + 10} S-1`,
      ]).flat();
      expect(places(follower.finished!)).toEqual(expected);
      const shown = events.flatMap((event) => (event.__typename === 'ProductShown' ? [event.mention] : []));
      // At another instance, products that are read from Redis may follow those that are published meanwhile.
      expect(places({ products: shown.toSorted((a, b) => a.offset - b.offset) })).toEqual(expected);
    },
  );

  test('prices that nothing confirms are told, stored, and counted', async () => {
    const range = { scope: 'MINE' as const, from: new Date().toISOString() };
    const text =
      'The Fern tent costs 289 €, two are 578 €, with the Cinder stove €348.99. Only today: 249 €, within 300. ';
    const told = await answer([text, '[[product:T-1]][[product:S-1]]'], 'A tent below 300 euros?');
    expect(told.unverifiedClaims).toEqual([{ offset: text.indexOf('249'), length: 5, text: '249 €' }]);
    const metrics = await (await fetch(`${server.server.url}/metrics`)).text();
    if (server.instances.length === 1) {
      expect(metrics).toMatch(/^parley_unverified_claims_total [1-9]/m);
      expect(metrics).toMatch(/^parley_products_shown_total [1-9]/m);
    }
    const { salesReport } = await jane.request(SalesReportDocument, range);
    expect(salesReport.unverifiedClaims).toBe(1);
    expect(salesReport.topShownProducts).toEqual([
      { sku: 'S-1', title: 'Cinder stove', count: 1 },
      { sku: 'T-1', title: 'Fern tent', count: 1 },
    ]);
    // What has been confirmed once stays so; what was not does not.
    const { conversation } = await jane.message(told.id);
    const later = await answer(['Again: 578 € or 249 €.'], 'Once more?', conversation.id);
    expect(later.unverifiedClaims.map((claim) => claim.text)).toEqual(['249 €']);
  });

  test('the memory names products by their titles', async () => {
    server.provider.structured = (name) =>
      name === 'conversation_title'
        ? { title: 'Tents' }
        : {
            ...METADATA,
            offeredProducts: ['the Fern Tent (green)', 'stove', 'S-1', 'a canoe'],
            rejectedProducts: ['t-1'],
          };
    const first = await answer(['[[product:T-1]] [[product:S-1]]', ' There.']);
    const { conversation } = await jane.message(first.id);
    await answer(['Two.'], '2', conversation.id);
    await answer(['Three.'], '3', conversation.id);
    await server.settled();
    const { metadata } = await jane.conversation(conversation.id);
    expect(metadata).toMatchObject({
      offeredProducts: ['Fern tent', 'Cinder stove', 'a canoe'],
      rejectedProducts: ['Fern tent'],
    });
  });

  test('deleting a conversation deletes its products', async () => {
    const { id } = await answer(['[[product:T-1]]']);
    const { conversation } = await jane.message(id);
    const rows = `product_mentions where answer_id = '${id}'`;
    expect(await server.count(rows)).toBe(1);
    await jane.request('mutation ($id: ID!) { deleteConversation(input: { id: $id }) }', { id: conversation.id });
    expect(await server.count(rows)).toBe(0);
  });
});

test('a lying model: no product has a wrong price, and its invented prices are flagged', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  await server.em.execute(`update users set role = 'ADMIN' where id = ?`, [jane.id]);
  const { products, dialogues } = createPriceCorpus(11);
  const toInput = ({ sku, title, price, currency }: (typeof products)[number]) => ({
    sku,
    title,
    price: { amount: currency === 'JPY' ? String(price) : (price! / 100).toFixed(2), currency },
  });
  await jane.request(IMPORT, { input: products.map(toInput) });
  const counts = { lies: 0, flaggedLies: 0, truths: 0, flaggedTruths: 0 };
  const answers = dialogues.map(({ results, statements }) => [
    statements.map(({ text }) => text).join('\n'),
    '\n',
    results.map(({ sku }) => `[[product:${sku}]]`).join('\n'),
  ]);
  server.provider.answer = (question) => answers[Number(question.split('#')[1])]!;
  await inGroups(dialogues, async ({ question, results, statements }, i) => {
    const { answer } = await jane.ask(`${question} #${i}`, { stream: false });
    const shown = answer.products.map(({ product: { sku, title, price } }) => ({ sku, title, price }));
    expect(shown).toEqual(results.map(toInput));
    let offset = 0;
    for (const { text, isTrue } of statements) {
      const end = offset + text.length;
      const isFlagged = answer.unverifiedClaims.some((claim) => claim.offset >= offset && claim.offset < end);
      counts[isTrue ? 'truths' : 'lies'] += 1;
      if (isFlagged) counts[isTrue ? 'flaggedTruths' : 'flaggedLies'] += 1;
      offset = end + 1;
    }
  });
  expect(dialogues).toHaveLength(200);
  expect(counts.flaggedLies / counts.lies).toBeGreaterThanOrEqual(0.98);
  expect(counts.flaggedTruths / counts.truths).toBeLessThanOrEqual(0.01);
}, 300_000);

test('without a catalogue, and with CLAIMS=off, nothing is flagged and nothing is asked of the model', async () => {
  await using server = await TestServer.start({ CLAIMS: 'off' });
  const jane = await server.user();
  server.provider.answer = () => ['It costs 5 €.'];
  const { answer } = await jane.ask('Price?', { stream: false });
  expect(answer).toMatchObject({ unverifiedClaims: [], products: [] });
  expect(server.provider.requests[0]!.messages[0]!.content).not.toContain('[[product:');
});

/** Works on some items at once. */
async function inGroups<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += 20)
    await Promise.all(items.slice(i, i + 20).map((item, j) => work(item, i + j)));
}
