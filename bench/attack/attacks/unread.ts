/** Attacks of clients that read nothing, or too much. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from 'node:net';
import type { CompletionHandler } from '../../../src/demo/openai-compatible-server.js';
import { summarize, times, toMegabytes, type Attack } from '../attack.js';
import type { Attacker } from '../attacker.js';
import { createMessage } from '../frames.js';
import { answerWith, type Target } from '../target.js';

/** Shorter than the default, so that the end of the connections is seen. */
const settings = { UNSENT_TIMEOUT: '5s', RATE_LIMIT_ASK: 'off' };

/** How long the attacker reads nothing, and how long it waits for the server to close its connections. */
const HOLD_MS = 8_000;
const MAX_HOLD_MS = 25_000;

const LONG = 'x'.repeat(30_000);

/** A connection notices that the server has closed it when it writes. */
async function hold(sockets: readonly Socket[], probe: Buffer): Promise<string> {
  const end = performance.now() + MAX_HOLD_MS;
  while (performance.now() < end && !sockets.every(({ destroyed }) => destroyed)) {
    await sleep(200);
    for (const socket of sockets) if (!socket.destroyed) socket.write(probe);
  }
  const closed = sockets.filter(({ destroyed }) => destroyed).length;
  return `${closed} of ${sockets.length} connections closed`;
}

/** Stores a conversation with long questions. @returns a query whose result has about as many bytes */
async function createLargeQuery(attacker: Attacker, questions: number, aliases: number): Promise<string> {
  const { conversation } = await attacker.ask(LONG, { stream: false });
  for (let i = 1; i < questions; i += 1) await attacker.ask(LONG, { conversationId: conversation, stream: false });
  return `{conversation(id:"${conversation}"){${times(aliases, (i) => `a${i}:messages{nodes{content}}`).join(' ')}}}`;
}

async function register(target: Target): Promise<Attacker> {
  return target.createAttacker().register();
}

const ping = createMessage({ type: 'ping' });

const pings: Attack = {
  name: '400 pings of 900 kB, unread',
  settings,
  async prepare(target) {
    const attacker = await register(target);
    const socket = await attacker.openSocket();
    const large = createMessage({ type: 'ping', payload: { text: 'x'.repeat(900_000) } });
    return async () => {
      for (let i = 0; i < 400; i += 1) socket.write(large);
      await sleep(HOLD_MS);
      const sent = socket.bytesWritten - socket.writableLength;
      let received = 0;
      socket.on('data', (bytes: Buffer) => (received += bytes.length));
      await sleep(500);
      attacker[Symbol.dispose]();
      return {
        got: `${toMegabytes(sent)} sent, ${toMegabytes(received)} of pongs kept`,
        isDefended: received < 8e6,
      };
    };
  },
};

const results: Attack = {
  name: '1,400 queries over 3 WebSockets, unread',
  settings,
  async prepare(target) {
    const attacker = await register(target);
    const query = await createLargeQuery(attacker, 1, 15);
    const sockets = await Promise.all(times(3, () => attacker.openSocket()));
    return async () => {
      for (let i = 0; i < 1_400; i += 1)
        sockets[i % 3]!.write(createMessage({ id: `${i}`, type: 'subscribe', payload: { query } }));
      const got = await hold(sockets, ping);
      attacker[Symbol.dispose]();
      return { got, isDefended: got.startsWith('3 ') };
    };
  },
};

const responses: Attack = {
  name: '100 HTTP connections with 3 responses of 7 MB, unread',
  settings,
  async prepare(target) {
    const attacker = await register(target);
    const bytes = attacker.createRequest(await createLargeQuery(attacker, 16, 7));
    const sockets = await Promise.all(times(100, () => attacker.connect()));
    return async () => {
      for (const socket of sockets) {
        socket.pause();
        socket.write(Buffer.concat([bytes, bytes, bytes]));
      }
      const got = await hold(sockets, Buffer.from('\r\n'));
      attacker[Symbol.dispose]();
      return { got, isDefended: got.startsWith('100 ') };
    };
  },
};

const eventStreams: Attack = {
  name: '100 event streams with a result of 7 MB, unread',
  settings,
  async prepare(target) {
    const attacker = await register(target);
    const query = await createLargeQuery(attacker, 16, 7);
    const bytes = attacker.createRequest(query, '/graphql/stream', 'text/event-stream');
    const sockets = await Promise.all(times(100, () => attacker.connect()));
    return async () => {
      for (const socket of sockets) {
        socket.pause();
        socket.write(bytes);
      }
      const got = await hold(sockets, Buffer.from('\r\n'));
      attacker[Symbol.dispose]();
      return { got, isDefended: got.startsWith('100 ') };
    };
  },
};

const TOKEN = 'y'.repeat(4_000);

/** Streams an answer of about a megabyte when the attack begins. */
function createFlood(): { provider: CompletionHandler; start: () => void } {
  const started = Promise.withResolvers<void>();
  const provider = answerWith(async (_request, reply) => {
    reply.delta('y');
    await started.promise;
    for (let i = 0; i < 240 && !reply.signal.aborted; i += 1) {
      reply.delta(TOKEN);
      await sleep(10);
    }
    reply.finish('stop', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 });
  });
  return { provider, start: started.resolve };
}

const floodOfAliases = createFlood();
const aliases: Attack = {
  name: '15 aliases of textSoFar on an answer of 1 MB',
  settings: { ...settings, MAX_OUTPUT_TOKENS: '1000000' },
  provider: floodOfAliases.provider,
  async prepare(target) {
    const attacker = await register(target);
    const { answer } = await attacker.ask('A long one');
    const socket = await attacker.openSocket();
    const fields = times(15, (i) => `a${i}: textSoFar`).join(' ');
    const query = `subscription { answerStream(answerId: "${answer}") { ... on AnswerDelta { ${fields} } } }`;
    return async () => {
      let received = 0;
      let text = '';
      socket.on('data', (bytes: Buffer) => {
        received += bytes.length;
        if (text.length < 2_000) text += bytes.toString();
      });
      socket.resume();
      socket.write(createMessage({ id: '1', type: 'subscribe', payload: { query } }));
      floodOfAliases.start();
      await sleep(HOLD_MS);
      attacker[Symbol.dispose]();
      const code = /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? 'no error';
      return { got: `${code}, ${toMegabytes(received)}`, isDefended: received < 10e6 };
    };
  },
};

const floodOfFollowers = createFlood();
const followers: Attack = {
  name: 'textSoFar of an answer of 1 MB by 60 clients, unread',
  settings: { ...settings, MAX_OUTPUT_TOKENS: '1000000' },
  provider: floodOfFollowers.provider,
  async prepare(target) {
    const attacker = await register(target);
    const { answer } = await attacker.ask('A long one');
    const query = `subscription { answerStream(answerId: "${answer}") { ... on AnswerDelta { textSoFar } } }`;
    const sockets = await Promise.all(times(30, () => attacker.openSocket()));
    const streams = await Promise.all(times(30, () => attacker.connect()));
    return async () => {
      for (const socket of sockets) socket.write(createMessage({ id: '1', type: 'subscribe', payload: { query } }));
      for (const socket of streams) {
        socket.pause();
        socket.write(attacker.createRequest(query, '/graphql/stream', 'text/event-stream'));
      }
      await sleep(500);
      floodOfFollowers.start();
      await sleep(3_000);
      const got = `WebSockets: ${await hold(sockets, ping)}; streams: ${await hold(streams, Buffer.from('\r\n'))}`;
      attacker[Symbol.dispose]();
      return { got, isDefended: true };
    };
  },
};

const hugeResult: Attack = {
  name: 'a query of 220 bytes for 70 MB, 4 at once',
  settings,
  async prepare(target) {
    const attacker = await register(target);
    const { conversation } = await attacker.ask(LONG, { stream: false });
    for (let i = 1; i < 12; i += 1) await attacker.ask(LONG, { conversationId: conversation, stream: false });
    const nodes = (inner: string) => `messages(last:24){nodes{${inner}}}`;
    const query = `{conversation(id:"${conversation}"){${times(4, (i) => `a${i}:${nodes(`conversation{${nodes('content')}}`)}`).join(' ')}}}`;
    return async () => {
      const replies = await Promise.all(times(4, () => attacker.post(query)));
      const largest = Math.max(...replies.map(({ bytes }) => bytes));
      attacker[Symbol.dispose]();
      return {
        got: `${query.length} bytes: ${summarize(replies.map(({ code }) => code))}, ${toMegabytes(largest)} each`,
        isDefended: largest < 9e6,
      };
    };
  },
};

export const unreadAttacks: Attack[] = [pings, results, responses, eventStreams, aliases, followers, hugeResult];
