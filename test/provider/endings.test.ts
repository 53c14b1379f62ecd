import type { ServerResponse } from 'node:http';
import { NO_EXTRAS } from '../../src/platform/config/provider.js';
import { gzipSync } from 'node:zlib';
import { OpenAIChatModel } from '../../src/platform/model/openai-chat-model.js';
import { ModelError } from '../../src/platform/model/chat-model.js';
import { DONE, event, finishEvent, RawProvider, textEvent, type RawHandler } from '../kit/raw-provider.js';

const PROMPT = [{ role: 'user' as const, content: 'Hello?' }];
const USAGE = { usage: { prompt_tokens: 5, completion_tokens: 3 } };

/** What an answer comes to, and how often the provider was called. */
async function ask(handler: RawHandler, timeout = 5_000, maxRetries = 0) {
  await using provider = await RawProvider.start(handler);
  using model = new OpenAIChatModel({
    ...NO_EXTRAS,
    apiKey: null,
    baseUrl: provider.baseUrl,
    model: 'm',
    timeout,
    maxRetries,
    maxOutputTokens: 100,
  });
  let text = '';
  const onText = (piece: string) => void (text += piece);
  const outcome = await model
    .stream(PROMPT, { onText, onReasoning: () => {}, signal: new AbortController().signal })
    .then(
      ({ finishReason, usage }) => ({ code: finishReason, usage }),
      (error: unknown) => {
        if (!(error instanceof ModelError)) throw error;
        return { code: error.code, usage: error.usage };
      },
    );
  return { ...outcome, text, calls: provider.bodies.length };
}

const stream =
  (...writes: string[]): RawHandler =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const bytes of writes) response.write(bytes);
    response.end();
  };
const status =
  (code: number, body: unknown, headers: Record<string, string> = {}): RawHandler =>
  (_request, response) =>
    void response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
/** Ends the good answer, and then does something else. */
const afterFinish =
  (act: (response: ServerResponse) => void): RawHandler =>
  (_request, response) => {
    response.writeHead(200).write(textEvent('Hi') + finishEvent('stop'));
    setImmediate(() => act(response));
  };

describe('an error in a stream fails the answer and keeps the text before it', () => {
  test.each<[string, string]>([
    ['{error: {…}} of OpenAI', event({ error: { message: 'boom' } })],
    ['{error: "…"} of LM Studio', event({ error: 'boom' })],
    ['{object: "error"} of vLLM', event({ object: 'error', message: 'boom', code: 500 })],
    ['{type: "error"} of Anthropic', event({ type: 'error', error: { type: 'overloaded_error', message: 'boom' } })],
    ['{detail} of FastAPI', event({ detail: 'boom' })],
    ['{errors: […]}', event({ errors: [{ message: 'boom' }] })],
    ['{code, message}', event({ code: 500, message: 'boom' })],
    ['[{error}] of Gemini', event([{ error: { code: 503, message: 'boom', status: 'UNAVAILABLE' } }])],
    ['an error event with a bare message', 'event: error\ndata: boom\n\n'],
    ['the error field of older llama.cpp', 'error: {"code":500,"message":"boom"}\n\n'],
    [
      'an error with choices of OpenRouter',
      event({ error: { code: 502, message: 'boom' }, choices: [{ delta: { content: '' }, finish_reason: 'error' }] }),
    ],
  ])('%s', async (_shape, error) => {
    // Three writes in one turn of the event loop: what arrives after the error does not count.
    const outcome = await ask(stream(textEvent('So far'), error, textEvent('!') + finishEvent('stop') + DONE));
    expect(outcome).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', text: 'So far', calls: 1 });
  });

  test.each<[number | string, string]>([
    [402, 'PROVIDER_QUOTA_EXCEEDED'],
    ['402', 'PROVIDER_QUOTA_EXCEEDED'],
    [401, 'PROVIDER_REJECTED'],
    [403, 'PROVIDER_REJECTED'],
    [404, 'PROVIDER_REJECTED'],
    ['400', 'PROVIDER_REJECTED'],
    [429, 'PROVIDER_RATE_LIMITED'],
    [502, 'PROVIDER_UNAVAILABLE'],
    ['insufficient_quota', 'PROVIDER_QUOTA_EXCEEDED'],
  ])('the code %p means the same in a stream and in a document as the HTTP status', async (code, expected) => {
    const error = { error: { code, message: 'boom' } };
    if (Number(code)) expect((await ask(status(Number(code), { error: { message: 'boom' } }))).code).toBe(expected);
    expect((await ask(stream(event(error)))).code).toBe(expected);
    expect((await ask(status(200, error))).code).toBe(expected);
  });
});

describe('pings and empty objects do not end an answer', () => {
  test.each(['{}', '{"type":"ping"}', '{"choices":[]}'])('%s', async (ping) => {
    const outcome = await ask(stream(textEvent('Hi '), event(ping), textEvent('there'), finishEvent('stop'), DONE));
    expect(outcome).toMatchObject({ code: 'STOP', text: 'Hi there' });
  });
});

describe('finish reasons', () => {
  test.each<[string, string]>([
    ['stop', 'STOP'],
    ['STOP', 'STOP'],
    ['eos_token', 'STOP'],
    ['constructor', 'STOP'],
    ['length', 'LENGTH'],
    ['MAX_TOKENS', 'LENGTH'],
    ['error', 'PROVIDER_UNAVAILABLE'],
    ['insufficient_system_resource', 'PROVIDER_UNAVAILABLE'],
    ['network_error', 'PROVIDER_UNAVAILABLE'],
    ['abort', 'PROVIDER_UNAVAILABLE'],
    ['content_filter', 'CONTENT_FILTERED'],
    ['SAFETY', 'CONTENT_FILTERED'],
    ['sensitive', 'CONTENT_FILTERED'],
  ])('%s is %s, with the usage', async (reason, code) => {
    const usage = { promptTokens: 5, completionTokens: 3, estimated: false };
    const outcome = await ask(stream(textEvent('Hi'), finishEvent(reason), event({ choices: [], ...USAGE }), DONE));
    expect(outcome).toEqual({ code, usage, text: 'Hi', calls: 1 });
  });

  test('a length without text is OUTPUT_LIMIT, with the usage', async () => {
    const outcome = await ask(stream(finishEvent('length', USAGE), DONE));
    expect(outcome).toMatchObject({ code: 'OUTPUT_LIMIT', usage: { promptTokens: 5 }, calls: 1 });
  });

  test('text after a finish reason belongs to the answer, and a heartbeat between them does not', async () => {
    const chunk = (content: string) => event({ choices: [{ delta: { content }, finish_reason: 'stop' }] });
    const outcome = await ask(stream(chunk('One '), event('{}'), chunk('two '), chunk('three'), DONE));
    expect(outcome).toMatchObject({ code: 'STOP', text: 'One two three' });
  });
});

describe('after a finish reason the answer is complete', () => {
  test.each<[string, (response: ServerResponse) => void]>([
    ['if nothing follows', () => {}],
    [
      'if heartbeats follow',
      (response) => void setInterval(() => response.write(': beat\n\ndata: {}\n\n'), 100).unref(),
    ],
    ['if the connection is reset', (response) => void response.socket!.resetAndDestroy()],
    ['if an error follows', (response) => void response.write(event({ error: { message: 'late' } }))],
    ['if [done] follows', (response) => void response.write(event('[done]'))],
    ['if [DONE] follows with a space', (response) => void response.write('data: [DONE] \n\n')],
  ])('%s', async (_what, act) => {
    // The timeout is longer than a test may take.
    expect(await ask(afterFinish(act), 600_000)).toMatchObject({ code: 'STOP', text: 'Hi', calls: 1 });
  });

  test('usage that follows is read', async () => {
    const outcome = await ask(afterFinish((response) => void response.write(event({ choices: [], ...USAGE }) + DONE)));
    expect(outcome).toMatchObject({ code: 'STOP', usage: { promptTokens: 5, completionTokens: 3 } });
  });
});

describe('errors about the context, in the words of', () => {
  test.each<[string, number, unknown]>([
    ['OpenAI', 400, { error: { message: 'x', code: 'context_length_exceeded' } }],
    [
      'vLLM',
      400,
      {
        object: 'error',
        message:
          "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages, Please reduce the length of the messages.",
        type: 'BadRequestError',
        code: 400,
      },
    ],
    [
      'llama.cpp',
      400,
      {
        error: {
          code: 400,
          message:
            'the request exceeds the available context size. try increasing the context size or enable context shift',
          type: 'exceed_context_size_error',
          n_prompt_tokens: 14429,
          n_ctx: 8192,
        },
      },
    ],
    [
      'Mistral',
      400,
      {
        object: 'error',
        message:
          'Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
        type: 'invalid_request_error',
        code: '3051',
      },
    ],
    [
      'Anthropic',
      400,
      {
        type: 'error',
        error: { type: 'invalid_request_error', message: 'prompt is too long: 200679 tokens > 199999 maximum' },
      },
    ],
    [
      'Gemini',
      400,
      [
        {
          error: {
            code: 400,
            message: 'The input token count (134123) exceeds the maximum number of tokens allowed (131072).',
            status: 'INVALID_ARGUMENT',
          },
        },
      ],
    ],
  ])('%s are CONTEXT_TOO_LONG, and the request is not repeated', async (_server, code, body) => {
    for (const handler of [status(code, body), stream(event(body))])
      expect(await ask(handler, 5_000, 2)).toMatchObject({ code: 'CONTEXT_TOO_LONG', calls: 1 });
  });
});

test('a body that is too large for a proxy is CONTEXT_TOO_LONG', async () => {
  expect((await ask(status(413, { message: 'Payload too large' }))).code).toBe('CONTEXT_TOO_LONG');
});

describe('responses that are not plain event streams', () => {
  const COMPLETION = {
    choices: [{ message: { role: 'assistant', content: 'Whole.' }, finish_reason: 'stop' }],
    ...USAGE,
  };

  test('a JSON completion is the whole answer', async () => {
    const outcome = await ask(status(200, COMPLETION));
    expect(outcome).toMatchObject({ code: 'STOP', text: 'Whole.', usage: { completionTokens: 3 }, calls: 1 });
  });

  test('content as an array of text parts is text', async () => {
    const parts = [{ type: 'text', text: 'One ' }, { type: 'image' }, null, { type: 'text', text: 'two' }];
    expect(await ask(stream(textEvent(parts), finishEvent('stop'), DONE))).toMatchObject({ text: 'One two' });
  });

  test('compression that was not requested is decoded', async () => {
    const bytes = gzipSync(textEvent('Packed') + finishEvent('stop') + DONE);
    const outcome = await ask((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.write(bytes.subarray(0, 20));
      setImmediate(() => response.end(bytes.subarray(20)));
    });
    expect(outcome).toMatchObject({ code: 'STOP', text: 'Packed' });
  });

  test.each([307, 308])('a redirect with status %d on the same origin is followed', async (code) => {
    const outcome = await ask((request, response, body) => {
      if (request.url === '/v2/chat')
        return stream(textEvent(body.messages[0]!.content), finishEvent('stop'), DONE)(request, response, body);
      response.writeHead(code, { location: '/v2/chat' }).end();
    });
    expect(outcome).toMatchObject({ code: 'STOP', text: 'Hello?', calls: 2 });
  });

  test.each([
    [308, 'http://127.0.0.1:1/v1/chat/completions'],
    [302, '/v2/chat'],
    [307, '/v1/chat/completions'],
  ])('a redirect with status %d to %s is PROVIDER_REJECTED', async (code, location) => {
    expect((await ask(status(code, {}, { location }))).code).toBe('PROVIDER_REJECTED');
  });
});

describe('a provider that sends without end, but no output, is PROVIDER_TIMEOUT', () => {
  /** Sends these bytes at short intervals until the client closes the connection. */
  const repeat =
    (first: string, bytes: string): RawHandler =>
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(first);
      const interval = setInterval(() => response.write(bytes), 10);
      response.once('close', () => clearInterval(interval));
    };

  test.each<[string, string, string, string]>([
    ['comments', '', ': ping\n\n', ''],
    ['chunks without choices', textEvent('Some'), event({ choices: [] }), 'Some'],
    ['chunks without content', textEvent('Some'), textEvent(''), 'Some'],
    ['whitespace before the text', '', textEvent('\n'), ''],
    ['parts of an event', textEvent('Some'), 'data: ', 'Some'],
    ['parts of a document', '{', ' ', ''],
  ])('%s', async (_what, first, bytes, text) => {
    expect(await ask(repeat(first, bytes), 200)).toMatchObject({ code: 'PROVIDER_TIMEOUT', text, calls: 1 });
  });

  test('unless the answer is decided', async () => {
    const outcome = await ask(repeat(textEvent('Done') + finishEvent('stop'), finishEvent('stop')));
    expect(outcome).toMatchObject({ code: 'STOP', text: 'Done' });
  });
});
