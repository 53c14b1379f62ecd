/** Attacks by the number of connections, subscriptions and incomplete messages. */
import { setTimeout as sleep } from 'node:timers/promises';
import { summarize, times, toMegabytes, type Attack } from '../attack.js';
import { createFrame, createIncompleteFrame, createMessage } from '../frames.js';
import type { Attacker } from '../attacker.js';

/** Opens WebSockets. Returns `open` or `refused` for each. */
const openAll = (attacker: Attacker, count: number) =>
  Promise.all(
    times(count, () =>
      attacker.openSocket().then(
        ({ destroyed }) => (destroyed ? 'refused' : 'open'),
        () => 'refused',
      ),
    ),
  );

const connections: Attack = {
  name: '700 WebSockets of one address',
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    return async () => {
      const opened = await openAll(attacker, 700);
      const probe = await attacker.post('{ me { id } }');
      const before = target.readMemory().resident;
      await sleep(1_000);
      attacker[Symbol.dispose]();
      return {
        got: `${summarize(opened)}; then HTTP: ${probe.status} ${probe.code}; ${toMegabytes(before)} in use`,
        isDefended: opened.filter((state) => state === 'open').length <= 500,
      };
    };
  },
};

const addresses: Attack = {
  name: '2,000 connections of 5 addresses, MAX_CONNECTIONS=1000',
  settings: { MAX_CONNECTIONS: '1000' },
  prepare: async (target) => async () => {
    const attackers = times(5, (i) => target.createAttacker(`127.0.2.${i + 1}`));
    const opened = await Promise.all(attackers.flatMap((attacker) => times(400, () => attacker.connect())));
    for (const socket of opened) socket.resume();
    const probe = await target.createAttacker('127.0.3.1').post('{ __typename }');
    await sleep(1_000);
    const states = opened.map((socket) => (socket.destroyed ? 'closed' : 'open'));
    for (const attacker of attackers) attacker[Symbol.dispose]();
    return {
      got: `${summarize(states)}; a new client: ${probe.status} ${probe.code}`,
      isDefended: probe.status !== 200,
    };
  },
};

const subscriptions: Attack = {
  name: '15 WebSockets with 500 subscriptions each',
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    const sockets = await Promise.all(times(15, () => attacker.openSocket()));
    const query = 'subscription { conversationUpdates { type } }';
    return async () => {
      let text = '';
      for (const socket of sockets) {
        socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
        socket.resume();
        for (let i = 0; i < 500; i += 1)
          socket.write(createMessage({ id: `${i}`, type: 'subscribe', payload: { query } }));
      }
      await sleep(6_000);
      attacker[Symbol.dispose]();
      const ready = text.split('"READY"').length - 1;
      const limited = text.split('RATE_LIMITED').length - 1;
      return { got: `${ready} subscribed, ${limited} × RATE_LIMITED`, isDefended: ready <= 1_000 };
    };
  },
};

/** The variables are valid, and a subscription needs them until its end. */
const LARGE_SUBSCRIPTION = `subscription ($after: String) {
  conversationUpdates { conversation { messages(first: 1, after: $after) { nodes { id } } } }
}`;
const LARGE_VARIABLES = { after: 'x'.repeat(900_000) };

/** What 32 MiB of operations and the garbage of reading a thousand more may cost. */
const MAX_KEPT_BYTES = 300_000_000;

const largeSubscriptions: Attack = {
  name: '1,000 subscriptions with variables of 900 kB',
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    const sockets = await Promise.all(times(10, () => attacker.openSocket()));
    const payload = { query: LARGE_SUBSCRIPTION, variables: LARGE_VARIABLES };
    const messages = times(100, (i) => createMessage({ id: `${i}`, type: 'subscribe', payload }));
    return async () => {
      const before = target.readMemory().resident;
      let text = '';
      for (const socket of sockets) {
        socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
        socket.resume();
        for (const message of messages) socket.write(message);
      }
      await sleep(10_000);
      const kept = target.readMemory().resident - before;
      attacker[Symbol.dispose]();
      const limited = text.split('RATE_LIMITED').length - 1;
      return {
        got: `${limited} × RATE_LIMITED; ${toMegabytes(kept)} kept`,
        isDefended: limited > 0 && kept < MAX_KEPT_BYTES,
      };
    };
  },
};

const reservedStreams: Attack = {
  name: '20 reserved event streams with 50 operations of 900 kB each',
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    const replies = await Promise.all(times(20, () => attacker.send({ method: 'PUT', path: '/graphql/stream' })));
    const paths = replies.map(({ body }) => `/graphql/stream?token=${body}`);
    return async () => {
      const before = target.readMemory().resident;
      const codes: string[] = [];
      for (let i = 0; i < 50; i += 1) {
        const body = JSON.stringify({
          query: LARGE_SUBSCRIPTION,
          variables: LARGE_VARIABLES,
          extensions: { operationId: `${i}` },
        });
        for (const { status } of await Promise.all(paths.map((path) => attacker.send({ path, body }))))
          codes.push(`${status}`);
      }
      const kept = target.readMemory().resident - before;
      attacker[Symbol.dispose]();
      return { got: `${summarize(codes)}; ${toMegabytes(kept)} kept`, isDefended: kept < MAX_KEPT_BYTES };
    };
  },
};

const largeRequests: Attack = {
  name: '200 connections with 5 requests of 900 kB each',
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    const body = Buffer.from(JSON.stringify({ query: '{ me { id } }', variables: LARGE_VARIABLES }));
    return async () => {
      const send = async () => {
        const codes: string[] = [];
        for (let i = 0; i < 5; i += 1) codes.push((await attacker.send({ body })).code);
        return codes;
      };
      const codes = await Promise.all(times(200, send));
      attacker[Symbol.dispose]();
      return { got: summarize(codes.flat()), isDefended: codes.flat().includes('RATE_LIMITED') };
    };
  },
};

const incomplete: Attack = {
  name: '200 incomplete messages of 1 MB of one address',
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    const sockets = await Promise.all(times(100, () => attacker.openSocket()));
    const requests = await Promise.all(times(100, () => attacker.connect()));
    const frame = createIncompleteFrame(1_000_000);
    return async () => {
      for (const socket of [...sockets, ...requests]) socket.resume();
      for (const socket of sockets) socket.write(frame);
      for (const socket of requests) {
        socket.write(
          'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n',
        );
        socket.write(Buffer.alloc(999_999, ' '));
      }
      await sleep(3_000);
      const left = [...sockets, ...requests].filter(({ destroyed }) => !destroyed).length;
      attacker[Symbol.dispose]();
      return { got: `${200 - left} of 200 connections closed`, isDefended: left <= 40 };
    };
  },
};

const fragments: Attack = {
  name: '50 messages of 60,000 fragments of one byte',
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    const sockets = await Promise.all(times(50, () => attacker.openSocket()));
    const rest = Buffer.concat(times(60_000, () => createFrame('x', { isFirst: false, isFinal: false })));
    return async () => {
      for (const socket of sockets) {
        socket.resume();
        socket.write(createFrame('x', { isFinal: false }));
        socket.write(rest);
      }
      await sleep(3_000);
      const left = sockets.filter(({ destroyed }) => !destroyed).length;
      attacker[Symbol.dispose]();
      return { got: `${50 - left} of 50 connections closed`, isDefended: left === 0 };
    };
  },
};

const slowHeaders: Attack = {
  name: '450 connections that send one header byte by byte',
  prepare: async (target) => async () => {
    const attacker = target.createAttacker();
    const sockets = await Promise.all(times(450, () => attacker.connect()));
    for (const socket of sockets) {
      socket.resume();
      socket.write('GET /healthz HTTP/1.1\r\nx: ');
    }
    for (let i = 0; i < 60 && sockets.some(({ destroyed }) => !destroyed); i += 1) {
      for (const socket of sockets) if (!socket.destroyed) socket.write('x');
      await sleep(500);
    }
    const left = sockets.filter(({ destroyed }) => !destroyed).length;
    attacker[Symbol.dispose]();
    return { got: `${450 - left} of 450 connections closed`, isDefended: left === 0 };
  },
};

export const countAttacks: Attack[] = [
  connections,
  addresses,
  subscriptions,
  largeSubscriptions,
  reservedStreams,
  largeRequests,
  incomplete,
  fragments,
  slowHeaders,
];
