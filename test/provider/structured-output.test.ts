import { NO_EXTRAS } from '../../src/platform/config/provider.js';
import { z } from 'zod';
import { ModelError, type PromptMessage } from '../../src/platform/model/chat-model.js';
import { lenientEnum, lenientList, lenientNullableText } from '../../src/platform/model/lenient.js';
import { OpenAIChatModel } from '../../src/platform/model/openai-chat-model.js';
import { parseFirstObject } from '../../src/platform/model/structured-output.js';
import { estimateUsage } from '../../src/platform/model/usage.js';
import type { LearnedCapability } from '../../src/platform/model/capabilities.js';
import { fc } from '../kit/property.js';
import { DONE, event, finishEvent, RawProvider, textEvent, type RawHandler } from '../kit/raw-provider.js';

describe('the first JSON object of a text', () => {
  const OBJECT = { title: 'A {brace} and a "quote"', list: [1, { a: '}' }] };
  const JSON_TEXT = JSON.stringify(OBJECT, null, 2);

  test.each<[string, string]>([
    ['alone', JSON_TEXT],
    ['in a fence', `\`\`\`json\n${JSON_TEXT}\n\`\`\``],
    ['in sentences with braces', `Use {x}. Here it is: ${JSON_TEXT} I hope {this} helps.`],
    ['after reasoning with a draft', `<think>Maybe {"title":"draft"}?</think>\n${JSON_TEXT}`],
    ['after a byte order mark', `\ufeff${JSON_TEXT}`],
    ['before a second object', `${JSON_TEXT}\n{"title":"second"}`],
  ])('is found %s', (_where, text) => expect(parseFirstObject(text)).toEqual(OBJECT));

  test('is found whatever it contains and whatever is around it', () => {
    const words = fc.stringMatching(/^[^{}<]*$/);
    fc.assert(
      fc.property(words, fc.dictionary(fc.string(), fc.jsonValue()), words, (before, object, after) => {
        const plain = JSON.parse(JSON.stringify(object)) as object;
        expect(parseFirstObject(before + JSON.stringify(object) + after)).toEqual(plain);
      }),
    );
  });

  test.each(['', 'No JSON here.', '{"unfinished": ', '[1, 2]'])('is missing in %j', (text) =>
    expect(() => parseFirstObject(text)).toThrow(SyntaxError),
  );
});

describe('results that are nearly right are repaired', () => {
  const list = lenientList({ maxItems: 3, maxLength: 5 });
  const status = lenientEnum({ OPEN: 'OPEN', IN_WORK: 'IN_WORK' });
  const text = lenientNullableText(5);

  test.each<[string, z.ZodType, unknown, unknown]>([
    ['a long item is cut', list, ['abcdefgh'], ['abcde']],
    ['a cut does not split a grapheme', list, ['abc👩‍👩‍👧'], ['abc']],
    ['empty and meaningless items are dropped', list, ['a', '', ' ', null, {}, 7], ['a', '7']],
    ['too many items lose the oldest', list, ['a', 'b', 'c', 'd'], ['b', 'c', 'd']],
    ['a single item is a list', list, 'a', ['a']],
    ['a missing list is empty', list, undefined, []],
    ['an enum has no case', status, 'in work', 'IN_WORK'],
    ['a missing text is null', text, undefined, null],
    ['an empty text is null', text, '', null],
    ['a long text is cut', text, 'abc defgh', 'abc d'],
  ])('%s', (_what, schema, given, expected) => expect(schema.parse(given)).toEqual(expected));

  test('a value without meaning is rejected', () => {
    expect(status.safeParse('unknown').success).toBe(false);
    expect(status.safeParse(undefined).success).toBe(false);
  });

  test('whatever is sent, a list keeps its limits', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => list.safeParse(value).success));
  });
});

describe('what a provider refuses is found out once', () => {
  const PROMPT: PromptMessage[] = [
    { role: 'system', content: 'Name it.' },
    { role: 'user', content: 'Tents' },
  ];
  const FORMAT = { name: 'title', schema: z.object({ title: z.string() }) };
  const SIGNAL = new AbortController().signal;

  async function open(handler: RawHandler) {
    const provider = await RawProvider.start(handler);
    const learned: LearnedCapability[] = [];
    const configuration = { apiKey: null, baseUrl: provider.baseUrl, model: 'm', timeout: 5_000, maxRetries: 0 };
    const model = new OpenAIChatModel({ ...NO_EXTRAS, ...configuration, maxOutputTokens: 1_000 }, (one) =>
      learned.push(one),
    );
    return {
      provider,
      learned,
      ask: () => model.stream(PROMPT, { onText: () => {}, onReasoning: () => {}, signal: SIGNAL }),
      structured: () => model.structured(PROMPT, FORMAT, { signal: SIGNAL }),
      async [Symbol.asyncDispose]() {
        model[Symbol.dispose]();
        await provider[Symbol.asyncDispose]();
      },
    };
  }
  const refuse =
    (status: number, message: string): RawHandler =>
    (_request, response) =>
      void response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { message } }));
  const say =
    (text: string): RawHandler =>
    (_request, response) =>
      void response
        .writeHead(200)
        .end(
          textEvent(text) +
            finishEvent('stop') +
            event({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2 } }) +
            DONE,
        );

  test.each([
    ['stream_options', 400, 'Unrecognized request argument supplied: stream_options', 'stream_options'],
    ['max_tokens', 400, "Unsupported parameter: 'max_tokens' is not supported", 'max_tokens'],
  ])('%s', async (_what, status, message, member) => {
    await using model = await open((request, response, body) =>
      (member in body ? refuse(status, message) : say('Hi'))(request, response, body),
    );
    await model.ask();
    await model.ask();
    expect(model.provider.bodies.map((body) => member in body)).toEqual([true, false, false]);
    expect(model.learned).toHaveLength(1);
  });

  test('the system role; its content then precedes the first user message', async () => {
    await using model = await open((request, response, body) =>
      (body.messages[0]!.role === 'system' ? refuse(500, 'Jinja Exception: System role not supported') : say('Hi'))(
        request,
        response,
        body,
      ),
    );
    await model.ask();
    await model.ask();
    expect(model.provider.bodies.at(-1)!.messages).toEqual([{ role: 'user', content: 'Name it.\n\nTents' }]);
    expect(model.provider.bodies).toHaveLength(3);
    expect(model.learned).toEqual([{ capability: 'systemRole', value: false }]);
  });

  test('json_schema and json_object, whatever the words; the schema is then in the prompt', async () => {
    await using model = await open((request, response, body) =>
      ('response_format' in body ? refuse(422, 'nope') : say('Sure: ```{"title":"Tents"}```'))(request, response, body),
    );
    expect((await model.structured()).value).toEqual({ title: 'Tents' });
    await model.structured();
    const modes = model.provider.bodies.map((body) => (body['response_format'] as { type: string } | undefined)?.type);
    expect(modes).toEqual(['json_schema', 'json_object', undefined, undefined]);
    expect(model.provider.bodies.at(-1)!.messages[0]!.content).toContain('"title"');
    expect(model.learned).toEqual([{ capability: 'structuredMode', value: 'text' }]);
  });

  test('a schema that is ignored; both calls are counted', async () => {
    await using model = await open((request, response, body) =>
      say(JSON.stringify(body.messages).includes('JSON schema') ? '{"title":"Tents"}' : 'Tents!')(
        request,
        response,
        body,
      ),
    );
    expect(await model.structured()).toMatchObject({
      value: { title: 'Tents' },
      usage: { promptTokens: 18, completionTokens: 4 },
    });
    await model.structured();
    expect(model.provider.bodies).toHaveLength(3);
  });

  test('a structured result without usage is estimated', async () => {
    await using model = await open((_request, response) => {
      response.writeHead(200).end(textEvent('{"title":"Tents"}') + finishEvent('stop') + DONE);
    });
    const { usage } = await model.structured();
    expect(usage).toEqual({ ...estimateUsage(PROMPT, '{"title":"Tents"}'), estimated: true });
    expect(usage.completionTokens).toBeGreaterThan(2);
  });

  test('a number of tokens that does not fit beside the prompt', async () => {
    await using model = await open((request, response, body) =>
      (Number(body['max_tokens']) > 300
        ? refuse(
            400,
            "This model's maximum context length is 512 tokens. However, you requested 1212 tokens (212 in the messages, 1000 in the completion).",
          )
        : say('Hi'))(request, response, body),
    );
    await model.ask();
    expect(model.provider.bodies.map((body) => body['max_tokens'])).toEqual([1_000, 300]);
    expect(model.learned).toEqual([{ capability: 'contextTokens', value: 512 }]);
  });

  test('nothing is learned from a request that fails in every way', async () => {
    await using model = await open(refuse(400, 'no such model'));
    const error = await model.structured().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ code: 'PROVIDER_REJECTED' });
    expect(model.learned).toEqual([]);
  });
});
