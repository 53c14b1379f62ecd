import { ContinueAnswerDocument } from '../../client/src/generated/graphql.js';
import { ProductService } from '../../src/catalogue/product.service.js';
import { DEMO_PRODUCTS } from '../../src/demo/demo-products.js';
import { answerAsDemo, DEMO_MODEL } from '../../src/demo/demo-server.js';
import { startOpenAICompatibleServer } from '../../src/demo/openai-compatible-server.js';
import { AnswerErrorCode } from '../../src/messages/message.enums.js';
import { Disposables } from '../../src/platform/lifecycle/disposables.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

describe('commands of the demo model', () => {
  const opened = new Disposables();
  const requests: string[] = [];
  let baseUrl: string;
  let server: TestServer;
  let jane: ApiClient;

  beforeAll(async () => {
    const demo = await startOpenAICompatibleServer(DEMO_MODEL, (request, reply) => {
      if (!request.response_format) requests.push(request.messages.at(-1)!.content);
      return answerAsDemo(request, reply, { firstTokenDelayMs: 0, tokenIntervalMs: 0 });
    });
    ({ baseUrl } = opened.use(demo));
    // Retries as by default: a failure that was asked for must not wait for them.
    server = opened.use(await TestServer.start({ OPENAI_BASE_URL: baseUrl, OPENAI_MAX_RETRIES: '2' }));
    jane = await server.user();
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  async function answerTo(question: string) {
    return (await jane.ask(question, { stream: false })).answer;
  }

  test.each([
    ['/long', 300],
    ['/long 40', 40],
    ['/LONG 1', 1],
    ['/long 1000000', 3_000],
    ['/long words', 300],
  ])('%s is answered with %i words', async (question, words) => {
    const { status, content } = await answerTo(question);
    expect(status).toBe('COMPLETED');
    expect(content.split(/\s+/)).toHaveLength(words);
  });

  test('/help lists every command, and an unknown command leads to it', async () => {
    const { content } = await answerTo('/help');
    for (const name of ['long 300', 'slow', 'fail', 'limit', 'think', 'markdown', 'cut', 'product', 'claim', 'help'])
      expect(content).toContain(`\`/${name}\``);
    expect((await answerTo('/nonsense')).content).toBe(`There is no command /nonsense.\n\n${content}`);
  });

  test('/fail keeps the text that came before the connection broke', async () => {
    const { status, content, error } = await answerTo('/fail');
    expect({ status, content, code: error?.code }).toEqual({
      status: 'FAILED',
      content: 'This answer breaks off in the middle of',
      code: 'PROVIDER_UNAVAILABLE',
    });
  });

  const ours = ['INTERRUPTED', 'INTERNAL'];
  test.each([
    ['/limit', 'PROVIDER_RATE_LIMITED'],
    ...Object.values(AnswerErrorCode)
      .filter((code) => !ours.includes(code))
      .map((code) => [`/fail ${code.toLowerCase()}`, code]),
  ])('%s fails with %s', async (question, code) => {
    requests.length = 0;
    const { status, error } = await answerTo(question);
    expect({ status, code: error?.code }).toEqual({ status: 'FAILED', code });
    // An empty answer is requested once more.
    expect(requests).toEqual(code === 'PROVIDER_EMPTY' ? [question, question] : [question]);
  });

  test.each(['/slow', '/think', '/markdown', '/cut'])('%s is answered', async (question) => {
    const { status, content } = await answerTo(question);
    expect(status).toBe('COMPLETED');
    expect(content).not.toContain('/help');
  });

  test('/cut can be continued', async () => {
    const { id, content } = await answerTo('/cut');
    const { continueAnswer } = await jane.request(ContinueAnswerDocument, { input: { answerId: id, stream: false } });
    expect(continueAnswer.answer).toMatchObject({
      content: `${content} … and goes on here, to its end.`,
      finishReason: 'STOP',
    });
  });

  test('/think is answered with reasoning', async () => {
    expect(await answerTo('/think')).toMatchObject({
      content: 'I thought about it first; this is the answer.',
      reasoning: expect.stringContaining('The user wants to see reasoning.'),
    });
  });

  test('/think sends reasoning_content before the text, as DeepSeek does', async () => {
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: DEMO_MODEL, stream: true, messages: [{ role: 'user', content: '/think' }] }),
    });
    const fields = (await response.text())
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .map((event) => JSON.parse(event.slice(6)).choices[0].delta)
      .flatMap(({ reasoning_content: thought, content }) => (thought ? ['reasoning'] : content ? ['text'] : []));
    expect(fields.lastIndexOf('reasoning')).toBe(fields.indexOf('text') - 1);
    expect(new Set(fields)).toEqual(new Set(['reasoning', 'text']));
  });

  test('a question that only contains a slash is not a command', async () => {
    expect((await answerTo('Is /fail a word? I need a tent.')).status).toBe('COMPLETED');
    expect((await answerTo('/usr/bin is where my tent is')).content).toContain('Fernlight');
  });

  test.each([
    ['/product', /^This is our tent\./, []],
    ['/claim', /^Only today: our tent for \d+ euros\./, [{ text: expect.stringMatching(/^\d+ euros$/) }]],
  ])('%s shows a product of the catalogue, and what nothing confirms is flagged', async (question, text, claims) => {
    await new ProductService().import(server.em, DEMO_PRODUCTS);
    const { status, content, products, unverifiedClaims } = await answerTo(question);
    expect(status).toBe('COMPLETED');
    expect(content).toMatch(text);
    expect(content).not.toContain('[[');
    expect(products).toMatchObject([{ product: { title: 'Fernlight two-person tent' } }]);
    expect(unverifiedClaims).toMatchObject(claims);
  });
});
