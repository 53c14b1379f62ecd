import type { ProductData } from '../../src/catalogue/product-input.js';
import { ProductService } from '../../src/catalogue/product.service.js';
import { createRandom } from '../kit/random.js';
import { event, textEvent } from '../kit/raw-provider.js';
import { TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import type { ApiClient, Follower } from '../kit/user.js';

const CUTS = 1_000;
const FOLLOWERS = 20;
const SEED = 20_261_126;

const product = (sku: string, title: string): ProductData => ({
  sku,
  title,
  description: 'Waterproof.',
  url: null,
  imageUrl: null,
  price: 28_900,
  currency: 'EUR',
  available: true,
  categories: [],
  attributes: [],
});

const TEXT =
  'Für zwei Personen 🏕️, auch 二人用テント: the tent [[product:T-1]] is warm, [[product:none]]a stove [[product:S-1]] too.';
const CONTENT = TEXT.replaceAll(/\[\[.*?\]\]/g, '');

/** The calls of each round of the answer. The last round has none. */
const ROUNDS: [name: string, args: object][][] = [
  [['searchProducts', { query: 'tent' }]],
  [
    ['getProduct', { sku: 'S-1' }],
    ['getProduct', { sku: 7 }],
    ['deleteProduct', {}],
  ],
  [],
];

/** Returns the parts of a sequence that is cut at `count` random places. Parts may be empty. */
function cut<T extends { length: number; slice: (from: number, to: number) => T }>(
  whole: T,
  count: number,
  random: () => number,
): T[] {
  const places = Array.from({ length: count }, () => Math.floor(random() * (whole.length + 1)));
  const edges = [0, ...places.toSorted((a, b) => a - b), whole.length];
  return edges.slice(1).map((to, i) => whole.slice(edges[i]!, to));
}

/** Returns the bytes of a response with text and calls, both in random pieces. */
function createResponse(calls: [string, object][], random: () => number): Uint8Array {
  const texts = cut<string>(TEXT, 30, random).map((piece) => textEvent(piece));
  const pieces = calls.flatMap(([name, args], index) => [
    { index, id: `call-${index}`, type: 'function', function: { name, arguments: '' } },
    ...cut<string>(JSON.stringify(args), 3, random).map((piece) => ({ index, function: { arguments: piece } })),
  ]);
  const requests = pieces.map((piece) => event({ choices: [{ index: 0, delta: { tool_calls: [piece] } }] }));
  return new TextEncoder().encode([...texts, ...requests].join(''));
}

type Stored = Awaited<ReturnType<ApiClient['message']>>;

/** Returns the look-ups and products that a follower knows at the end. */
function getItems({ all }: Follower) {
  const toolCalls = new Map<string, object>();
  const products = new Map<string, object>();
  for (const event of all)
    if (event.__typename === 'ToolCallChanged') toolCalls.set(event.toolCall.id, event.toolCall);
    else if (event.__typename === 'ProductShown') products.set(event.mention.id, event.mention);
  // Look-ups run side by side: their states may change in any order.
  const sort = (items: Map<string, object>) => [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  return { toolCalls: sort(toolCalls), products: sort(products) };
}

/** Checks that each event of a follower is a part of the stored message, and that its deltas follow one another. */
function checkEvents({ all }: Follower, { content, toolCalls, products }: Stored): void {
  let end: number | null = null;
  for (const event of all)
    if (event.__typename === 'AnswerDelta') {
      const { offset, text } = event;
      expect(text).toBe(content.slice(offset, offset + text.length));
      if (end !== null) expect(offset).toBe(end);
      end = offset + text.length;
    } else if (event.__typename === 'ToolCallChanged') {
      const { state, ...call } = event.toolCall;
      const known = toolCalls.find(({ id }) => id === call.id)!;
      expect(known).toMatchObject(call);
      expect(['RUNNING', known.state]).toContain(state);
    } else if (event.__typename === 'ProductShown') expect(products).toContainEqual(event.mention);
}

describe('an answer with look-ups and products', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
    await new ProductService().import(server.em, [product('T-1', 'Fern tent'), product('S-1', 'Cinder stove')]);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('equals the stored message for all followers, wherever bytes and followers are cut', async () => {
    const random = createRandom(SEED);
    const jane = await server.user();
    // Their connections are spread over the instances.
    const clients = server.instances.flatMap(({ url }) => [1, 2].map(() => server.client(jane.accessToken, url)));
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('A tent');
    const parts: Follower[] = [];
    let count = 0;
    let longest = 0;

    /** Follows the answer over many subscriptions, each from a random place in the text so far. Resolves with the last. */
    async function followInParts(client: ApiClient): Promise<Follower> {
      let text = '';
      for (;;) {
        const offset = Math.floor(random() * text.length);
        const part = client.follow(answer.id, offset);
        part.text = text.slice(0, offset);
        parts.push(part);
        if (parts.length > CUTS) return (await part.rest(), part);
        // Not beyond what some follower has received, so that the part ends without more text from the provider.
        await part.untilLength(offset + 1 + Math.floor(random() * (longest - offset)));
        part.stop();
        count += 1;
        text = part.text;
        longest = Math.max(longest, text.length);
      }
    }

    /** Sends the answer in random pieces, as fast as the followers are cut. */
    async function send() {
      let call = await taken;
      for (const [round, calls] of ROUNDS.entries()) {
        const next = calls.length > 0 ? server.provider.takeCall() : null;
        const pieces = cut(createResponse(calls, random), CUTS / ROUNDS.length, random);
        for (const [i, bytes] of pieces.entries()) {
          call.raw(bytes);
          const progress = (round + i / pieces.length) / ROUNDS.length;
          if (i % 20 === 0 && longest > 0) await until(() => count >= CUTS * progress * 0.9);
          else await new Promise(setImmediate);
        }
        call.finish(next ? 'tool_calls' : 'stop', null);
        if (next) call = await next;
      }
    }

    const whole = clients.map((client) => client.follow(answer.id));
    const following = Array.from({ length: FOLLOWERS }, (_, i) => followInParts(clients[i % clients.length]!));
    const [lasts] = await Promise.all([Promise.all(following), ...whole.map((follower) => follower.rest()), send()]);
    const stored = await jane.message(answer.id);
    expect(stored).toMatchObject({ status: 'COMPLETED', content: ROUNDS.map(() => CONTENT).join('\n\n') });
    expect(stored.toolCalls.map(({ state }) => state)).toEqual(['DONE', 'DONE', 'FAILED', 'FAILED']);
    expect(stored.products).toHaveLength(2 * ROUNDS.length);
    for (const part of [...whole, ...lasts]) {
      expect(part.text).toBe(stored.content);
      expect(part.finished).toMatchObject({ toolCalls: stored.toolCalls, products: stored.products });
      expect(getItems(part)).toEqual({ toolCalls: stored.toolCalls, products: stored.products });
    }
    expect(count).toBe(CUTS);
    for (const part of [...whole, ...parts]) checkEvents(part, stored);
  });
});
