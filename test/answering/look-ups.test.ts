import type { ProductData } from '../../src/catalogue/product-input.js';
import { ProductService } from '../../src/catalogue/product.service.js';
import { FakeProvider, type Call } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';
import { Inbox } from '../kit/inbox.js';
import type { ApiClient } from '../kit/user.js';

const product = (sku: string, title: string, price: number): ProductData => ({
  sku,
  title,
  description: 'Waterproof.',
  url: null,
  imageUrl: null,
  price,
  currency: 'EUR',
  available: true,
  categories: ['Tents'],
  attributes: [],
});

const PRODUCTS = [product('T-1', 'Fern tent', 28_900), product('T-2', 'Moss tent', 19_900)];

interface ToolCall {
  id: string;
  name: string;
  state: string;
  arguments: string;
  result: string | null;
  offset: number;
}

type Event =
  | { __typename: 'AnswerDelta'; offset: number; text: string }
  | { __typename: 'ToolCallChanged'; toolCall: ToolCall }
  | { __typename: 'AnswerFinished'; answer: { status: string; content: string; toolCalls: ToolCall[] } };

const CALL = 'id name state arguments result offset';
const FOLLOW = `subscription ($answerId: ID!, $offset: Int) { answerStream(answerId: $answerId, offset: $offset) {
  __typename ... on AnswerDelta { offset text } ... on ToolCallChanged { toolCall { ${CALL} } }
  ... on AnswerFinished { answer { status content toolCalls { ${CALL} } } } } }`;

/** Follows an answer with its look-ups. */
class CallFollower extends Inbox<Event> {
  text = '';
  readonly calls = new Map<string, ToolCall>();

  override push(event: Event): void {
    if (event.__typename === 'AnswerDelta') this.text = this.text.slice(0, event.offset) + event.text;
    else if (event.__typename === 'ToolCallChanged') this.calls.set(event.toolCall.id, event.toolCall);
    super.push(event);
  }

  async untilCalls(condition: (calls: ToolCall[]) => boolean): Promise<void> {
    while (!condition([...this.calls.values()]))
      if ((await this.next()) === null) throw new Error('The stream ended before the calls were as expected.');
  }
}

function followCalls(user: ApiClient, answerId: string): CallFollower {
  const follower = new CallFollower();
  user.subscribe(
    FOLLOW,
    { answerId },
    {
      next: (data) => follower.push((data as { answerStream: Event }).answerStream),
      error: (error) => follower.fail(error),
      complete: () => follower.close(),
    },
  );
  return follower;
}

const readCalls = async (user: ApiClient, id: string) =>
  (
    await user.request<{ message: { status: string; content: string; finishReason: string; toolCalls: ToolCall[] } }>(
      `query ($id: ID!) { message(id: $id) { status content finishReason usage { promptTokens completionTokens estimated }
        error { code } toolCalls { ${CALL} } } }`,
      { id },
    )
  ).message;

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

function requestCalls(call: Call, ...calls: [name: string, args: unknown][]): void {
  for (const [name, args] of calls) call.toolCall(name, args);
  call.finish('tool_calls', USAGE);
}

describe('look-ups', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test('offers no tools while the catalogue is empty', async () => {
    const jane = await server.user();
    await jane.ask('A tent', { stream: false });
    expect(server.provider.requests.at(-1)).not.toHaveProperty('tools');
  });

  describe('with a catalogue', () => {
    beforeAll(() => new ProductService().import(server.em, PRODUCTS));

    test('one answer grows before, between and after two rounds of calls', async () => {
      const jane = await server.user();
      const first = server.provider.takeCall();
      const { answer } = await jane.ask('A tent');
      const follower = followCalls(jane, answer.id);
      const one = await first;
      expect(one.request.tools?.map((tool) => tool.function.name)).toEqual(['searchProducts', 'getProduct']);
      expect(one.request.tool_choice).toBe('auto');
      one.delta('Let me look.');
      const second = server.provider.takeCall();
      requestCalls(one, ['searchProducts', { query: 'tent' }], ['getProduct', { sku: 'T-2' }]);
      const two = await second;
      const [asked, ...results] = two.request.messages.slice(-3);
      expect(asked).toMatchObject({ role: 'assistant', content: 'Let me look.' });
      expect(asked!.tool_calls!.map(({ id }) => id)).toEqual(results.map(({ tool_call_id: id }) => id));
      expect(JSON.parse(results[0]!.content)).toMatchObject({
        exact: true,
        products: [{ sku: 'T-1', price: { amount: '289.00', currency: 'EUR' } }, { sku: 'T-2' }],
      });
      expect(JSON.parse(results[1]!.content)).toMatchObject({ product: { title: 'Moss tent' } });
      two.delta('The Moss tent.');
      FakeProvider.done(two);

      await follower.rest();
      const content = 'Let me look.\n\nThe Moss tent.';
      expect(follower.text).toBe(content);
      const stored = await readCalls(jane, answer.id);
      expect(stored).toMatchObject({
        status: 'COMPLETED',
        content,
        finishReason: 'STOP',
        usage: { promptTokens: 22, completionTokens: 14, estimated: false },
      });
      expect(stored.toolCalls).toMatchObject([
        { name: 'searchProducts', state: 'DONE', offset: 12, arguments: '{"query":"tent"}' },
        { name: 'getProduct', state: 'DONE', offset: 12, result: results[1]!.content },
      ]);
      expect([...follower.calls.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(stored.toolCalls);
      expect(follower.all.at(-1)).toMatchObject({ answer: { toolCalls: stored.toolCalls } });
    });
  });

  test('the demo model answers with products that it has looked up', async () => {
    await using demo = await TestServer.start({ OPENAI_BASE_URL: '' });
    await new ProductService().import(demo.em, PRODUCTS);
    const jane = await demo.user();
    const { answer, conversation } = await jane.ask('Do you have a moss tent?', { stream: false });
    expect(answer.content).toContain('suggest the Moss tent for 199 euros. Waterproof.');
    const price = await jane.ask('How much is it?', { conversationId: conversation.id, stream: false });
    expect(price.answer.content).toContain('The Moss tent costs 199 euros');
    expect((await readCalls(jane, answer.id)).toolCalls).toMatchObject([
      { name: 'searchProducts', state: 'DONE', arguments: '{"query":"moss tent","limit":5}' },
    ]);
    expect((await readCalls(jane, price.answer.id)).toolCalls).toMatchObject([
      { arguments: '{"query":"Moss tent","limit":5}' },
    ]);
    const all = await jane.ask('Do you sell boats?', { conversationId: conversation.id, stream: false });
    expect(all.answer.content).toContain('On the shelf are: the Fern tent (289 euros), the Moss tent (199 euros).');
    expect((await readCalls(jane, all.answer.id)).toolCalls).toHaveLength(2);
  });
});
