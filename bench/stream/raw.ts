/** The least that Node.js can do for this job: node:http, ws and a few lines that read the provider's stream. */
import { Agent, request } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { WebSocketServer, type WebSocket } from 'ws';

const agent = new Agent({ keepAlive: true });
const server = createServer();
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    const { id, question } = JSON.parse(data.toString()) as { id: string; question: string };
    relay(socket, id, question);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));

function relay(socket: WebSocket, id: string, question: string): void {
  const call = request(`${process.env['PROVIDER']}/chat/completions`, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json' },
  });
  call.on('response', (response) => {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    let offset = 0;
    response.on('data', (bytes: Buffer) => {
      const lines = (rest + decoder.write(bytes)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (!line.startsWith('data: ') || line === 'data: [DONE]') continue;
        const text = (JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta
          .content;
        if (!text) continue;
        socket.send(JSON.stringify({ id, offset, text }));
        offset += text.length;
      }
    });
    response.on('end', () => socket.send(JSON.stringify({ id, done: true })));
  });
  call.end(JSON.stringify({ model: 'bench', stream: true, messages: [{ role: 'user', content: question }] }));
}
