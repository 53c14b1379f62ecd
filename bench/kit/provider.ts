/**
 * The provider of the benchmark, in a process of its own. It accepts every request and sends nothing until the runner
 * opens its gate. Then all answers flow at a fixed rate, or as fast as the connections accept them, until the gate is
 * closed. So the measurement contains neither the start nor the end of answers.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createToken } from './token.js';

export interface Flow {
  /** The maximum number of tokens of each answer. */
  tokens: number;
  /** Tokens per second. 0 means no limit. */
  rate: number;
  /** Whether an answer finishes after its tokens. Otherwise it waits until the gate is closed. */
  finish?: boolean;
}

class Gate {
  readonly opened = Promise.withResolvers<Flow>();
  readonly closed = Promise.withResolvers<void>();
  isClosed = false;

  close(): void {
    this.isClosed = true;
    this.closed.resolve();
  }
}

/** The fractional parts of its multiples are evenly distributed, for any number of answers. */
const GOLDEN_RATIO = 0.618034;

let gate = new Gate();
let answers = 0;

process.on('message', (message: { open: Flow } | { close: true } | string) => {
  if (typeof message === 'string') return; // for probe.ts
  if ('open' in message) return gate.opened.resolve(message.open);
  gate.close();
  gate = new Gate();
});

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (bytes: Buffer) => (body += bytes.toString()));
  request.on('end', () => {
    if (!body.includes('response_format')) return void answer(response, gate);
    const message = { role: 'assistant', content: '{"title":"A benchmark"}' };
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ model: 'bench', choices: [{ message, finish_reason: 'stop' }], usage }));
  });
});
// Keep idle connections open. A request on a connection that is being closed fails, and the baselines do not retry.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));

const chunk = (choices: string, usage = '') =>
  `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[${choices}]${usage}}\n\n`;
const [before, after] = chunk('{"index":0,"delta":{"content":"|"},"finish_reason":null}').split('|');

async function answer(response: ServerResponse, gate: Gate): Promise<void> {
  // Spread the answers over time, because in a real chat they are not synchronous.
  const phase = ((answers += 1) * GOLDEN_RATIO) % 1;
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  const { tokens, rate, finish } = await gate.opened.promise;
  const began = performance.now();
  for (let place = 0; place < tokens; place += 1) {
    if (rate > 0) {
      const wait = began + ((place + phase) * 1000) / rate - performance.now();
      if (wait > 0) await sleep(wait);
    }
    if (gate.isClosed) break;
    if (!response.write(before + createToken(place) + after)) await once(response, 'drain');
  }
  if (!finish) await gate.closed.promise;
  response.write(chunk('{"index":0,"delta":{},"finish_reason":"stop"}'));
  response.write(chunk('', ',"usage":{"prompt_tokens":10,"completion_tokens":10}'));
  response.end('data: [DONE]\n\n');
}
