/**
 * The provider of the benchmark: streams tokens that hold the time when they were sent, at a given rate or as fast as
 * the connection takes them. The question says how: `{count} tokens at {rate}/s`, a rate of 0 is no limit.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const now = () => performance.timeOrigin + performance.now();

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (bytes: Buffer) => (body += bytes.toString()));
  request.on('end', () => {
    if (body.includes('response_format')) {
      const message = { role: 'assistant', content: '{"title":"A benchmark"}' };
      return void response.end(JSON.stringify({ model: 'bench', choices: [{ message, finish_reason: 'stop' }] }));
    }
    const [, count, rate] = /(\d+) tokens at (\d+)\/s/.exec(body) ?? [];
    void stream(response, Number(count), Number(rate));
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));

async function stream(response: ServerResponse, count: number, rate: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const chunk = (delta: object, finish: string | null) =>
    `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${JSON.stringify(finish)}}]}\n\n`;
  const began = performance.now();
  for (let i = 0; i < count; i += 1) {
    if (rate > 0) {
      const wait = began + (i * 1000) / rate - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    // Twelve characters each, so that a reader knows which one it has by the offset.
    const token = now().toFixed(0).slice(-10).padStart(11, '0') + ' ';
    if (!response.write(chunk({ content: token }, null))) await once(response, 'drain');
  }
  response.write(chunk({}, 'stop'));
  response.end('data: [DONE]\n\n');
}
