/**
 * The minimal baseline: node:http, ws and a few lines that parse the provider's stream. A client asks with
 * `{ answer, ask: true }` and follows with `{ answer, id }`. One message can do both.
 */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { WebSocketServer, type WebSocket } from 'ws';

interface Follower {
  socket: WebSocket;
  id: string;
}

const agent = new Agent({ keepAlive: true });
const followers = new Map<string, Follower[]>();
const server = createServer();
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { answer: string; ask?: true; id?: string };
    if (message.ask) relay(message.answer);
    if (message.id) getFollowers(message.answer).push({ socket, id: message.id });
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));

/** The question and its followers arrive on different sockets, in any order. */
function getFollowers(answer: string): Follower[] {
  const known = followers.get(answer);
  if (known) return known;
  const none: Follower[] = [];
  followers.set(answer, none);
  return none;
}

function relay(answer: string): void {
  const following = getFollowers(answer);
  // Serialises the common part once.
  const send = (rest: string) => following.forEach(({ socket, id }) => socket.send(`{"id":"${id}",${rest}}`));

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
        send(`"offset":${offset},"text":${JSON.stringify(text)}`);
        offset += text.length;
      }
    });
    response.on('end', () => {
      send('"done":true');
      followers.delete(answer);
    });
  });
  call.end(JSON.stringify({ model: 'bench', stream: true, messages: [{ role: 'user', content: 'a question' }] }));
}
