/**
 * The provider of the benchmark, in a process of its own. It takes every question, and is silent until the runner opens
 * its gate: then all answers flow at a rate, or as fast as the connections take them. They end when the gate is closed.
 * So what is measured while they flow holds neither the asking nor the ending.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { tokenOf } from './token.js';

export interface Flow {
  /** How many tokens each answer has at most. */
  tokens: number;
  /** How many of them a second; 0 is no limit. */
  rate: number;
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

/** Its multiples spread evenly between whole numbers, however many there are. */
const GOLDEN_RATIO = 0.618034;

let gate = new Gate();
let answers = 0;

process.on('message', (message: { open: Flow } | { close: true } | string) => {
  if (typeof message === 'string') return; // for the probe
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
    response.end(JSON.stringify({ model: 'bench', choices: [{ message, finish_reason: 'stop' }] }));
  });
});
// Connections stay: whoever sends while the other side closes must try again, and the yardsticks do not.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));

const chunk = (choices: string, usage = '') =>
  `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[${choices}]${usage}}\n\n`;
const [before, after] = chunk('{"index":0,"delta":{"content":"|"},"finish_reason":null}').split('|');

async function answer(response: ServerResponse, gate: Gate): Promise<void> {
  // Spread evenly: answers of a chat do not speak in chorus.
  const phase = ((answers += 1) * GOLDEN_RATIO) % 1;
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  const { tokens, rate } = await gate.opened.promise;
  const began = performance.now();
  for (let place = 0; place < tokens; place += 1) {
    if (rate > 0) {
      const wait = began + ((place + phase) * 1000) / rate - performance.now();
      if (wait > 0) await sleep(wait);
    }
    if (gate.isClosed) break;
    if (!response.write(before + tokenOf(place) + after)) await once(response, 'drain');
  }
  await gate.closed.promise;
  response.write(chunk('{"index":0,"delta":{},"finish_reason":"stop"}'));
  response.write(chunk('', ',"usage":{"prompt_tokens":10,"completion_tokens":10}'));
  response.end('data: [DONE]\n\n');
}
