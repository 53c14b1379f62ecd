/**
 * What the relay of tokens costs: `npm run bench:stream`. The real server (accounts, database and all) beside two
 * yardsticks, the least that Node.js can do (raw.ts) and the usual design (usual.ts), in one run, interleaved. Each
 * token is checked. CPU is that of the server's process, from the kernel; absolute figures are of this machine.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { packageRoot } from '../../src/platform/config/package-root.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const PACED = { answers: 200, tokens: 100, rate: 25 };
const FLAT_OUT = { answers: 50, tokens: 500, rate: 0 };
const TOKEN_LENGTH = 12;
const SOCKETS = 20;
/** The kernel's unit of CPU time, in microseconds: 100 a second on Linux. */
const TICK = 10_000;

const STREAM = `subscription ($id: ID!) { answerStream(answerId: $id) { __typename ... on AnswerDelta { offset text } } }`;

interface Load {
  answers: number;
  tokens: number;
  rate: number;
}

/** How to ask and follow on one socket. `onToken` is given each piece of text with its offset. */
interface Design {
  name: string;
  process: ChildProcess;
  follow(question: string, index: number, onText: (offset: number, text: string) => void): Promise<void>;
  close(): void;
}

interface Result {
  cpuPerToken: number;
  lag: number;
  tokensPerSecond: number;
}

const children: ChildProcess[] = [];
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
try {
  const provider = `http://127.0.0.1:${await start(join(import.meta.dirname, 'provider.js'))}/v1`;
  const designs = [await raw(provider), await usual(provider), await parley(provider)];
  const results: Record<string, Record<'paced' | 'flat', Result[]>> = {};
  for (const design of designs) {
    process.stdout.write(`\rwarming up ${design.name.padEnd(8)}`);
    await measure(design, { answers: 20, tokens: 50, rate: 0 });
  }
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const design of designs) {
      process.stdout.write(`\rround ${round} of ${ROUNDS}: ${design.name.padEnd(8)}`);
      const of = (results[design.name] ??= { paced: [], flat: [] });
      of.paced.push(await measure(design, PACED));
      of.flat.push(await measure(design, FLAT_OUT));
    }
  }
  for (const design of designs) design.close();
  report(results);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

async function measure(design: Design, { answers, tokens, rate }: Load): Promise<Result> {
  const lags: number[] = [];
  const before = cpu(design.process);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: answers }, async (_, index) => {
      let length = 0;
      await design.follow(`${tokens} tokens at ${rate}/s`, index, (offset, text) => {
        if (offset !== length) throw new Error(`${design.name}: expected offset ${length}, not ${offset}`);
        const now = performance.timeOrigin + performance.now();
        for (let at = 0; at < text.length; at += TOKEN_LENGTH)
          lags.push((now % 1e10) - Number(text.slice(at, at + TOKEN_LENGTH)));
        length += text.length;
      });
      if (length !== tokens * TOKEN_LENGTH)
        throw new Error(`${design.name}: ${length} of ${tokens * TOKEN_LENGTH} characters`);
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  return {
    cpuPerToken: (cpu(design.process) - before) / (answers * tokens),
    lag: lags.toSorted((a, b) => a - b)[lags.length >> 1]!,
    tokensPerSecond: (answers * tokens) / seconds,
  };
}

/** The process's CPU time, user and system, in microseconds. */
function cpu({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

async function start(file: string, env: Record<string, string> = {}): Promise<number> {
  const child = fork(file, { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  const [port] = (await once(child, 'message')) as [number];
  return port;
}

async function openSockets(url: string, protocol?: string): Promise<WebSocket[]> {
  return await Promise.all(
    Array.from({ length: SOCKETS }, async () => {
      const socket = new WebSocket(url, protocol);
      await once(socket, 'open');
      return socket;
    }),
  );
}

async function raw(provider: string): Promise<Design> {
  const port = await start(join(import.meta.dirname, 'raw.js'), { PROVIDER: provider });
  const sockets = await openSockets(`ws://127.0.0.1:${port}`);
  const handlers = new Map<string, (message: { offset: number; text: string; done?: boolean }) => void>();
  for (const socket of sockets) {
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { id: string; offset: number; text: string; done?: boolean };
      handlers.get(message.id)!(message);
    });
  }
  let ids = 0;
  return {
    name: 'raw',
    process: children.at(-1)!,
    follow: (question, index, onText) =>
      new Promise((resolve) => {
        const id = String((ids += 1));
        handlers.set(id, (message) => (message.done ? resolve() : onText(message.offset, message.text)));
        sockets[index % SOCKETS]!.send(JSON.stringify({ id, question }));
      }),
    close: () => sockets.forEach((socket) => socket.close()),
  };
}

/** Sockets of the graphql-transport-ws protocol, spoken by hand: the client is not what is measured. */
async function graphqlSockets(url: string, payload: object) {
  const sockets = await openSockets(url, 'graphql-transport-ws');
  const handlers = new Map<string, (message: { type: string; payload: { data: Record<string, unknown> } }) => void>();
  for (const socket of sockets) {
    socket.send(JSON.stringify({ type: 'connection_init', payload }));
    await once(socket, 'message');
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as {
        id: string;
        type: string;
        payload: { data: Record<string, unknown> };
      };
      handlers.get(message.id)?.(message);
    });
  }
  let ids = 0;
  return {
    sockets,
    subscribe: (
      index: number,
      query: string,
      variables: object,
      onData: (data: { offset?: number; text?: string }) => void,
    ): Promise<void> =>
      new Promise((resolve, reject) => {
        const id = String((ids += 1));
        handlers.set(id, ({ type, payload: given }) => {
          if (type === 'complete') resolve();
          else if (type !== 'next' || !given.data) reject(new Error(JSON.stringify(given)));
          else onData(given.data['answerStream'] as { offset?: number; text?: string });
        });
        sockets[index % SOCKETS]!.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }));
      }),
  };
}

async function post(url: string, query: string, variables: object, token?: string): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = (await response.json()) as { data: Record<string, unknown>; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

async function usual(provider: string): Promise<Design> {
  const port = await start(join(import.meta.dirname, 'usual.js'), { PROVIDER: provider });
  const url = `http://127.0.0.1:${port}/graphql`;
  const { sockets, subscribe } = await graphqlSockets(url.replace('http', 'ws'), {});
  let ids = 0;
  return {
    name: 'usual',
    process: children.at(-1)!,
    async follow(question, index, onText) {
      const id = `answer-${(ids += 1)}`;
      // Its PubSub keeps nothing: who comes later misses what was said, and its subscription has no end of its own.
      const finished = new Promise<void>((resolve, reject) => {
        subscribe(index, STREAM, { id }, ({ offset, text }) =>
          text === undefined ? resolve() : onText(offset!, text),
        ).then(resolve, reject);
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await post(url, 'mutation ($id: ID!, $q: String!) { ask(id: $id, question: $q) }', { id, q: question });
      await finished;
    },
    close: () => sockets.forEach((socket) => socket.close()),
  };
}

async function parley(provider: string): Promise<Design> {
  const child = fork(join(packageRoot, 'dist/src/main.js'), {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`,
      OPENAI_BASE_URL: provider,
      RATE_LIMIT_ASK: 'off',
      LOG_LEVEL: 'error',
    },
  });
  children.push(child);
  const [output] = (await once(child.stdout!, 'data')) as [Buffer];
  const url = `${/http:\/\/[\d.:]+/.exec(output.toString())![0]}/graphql`;
  const input = { email: 'bench@example.com', password: 'a password of the bench' };
  const { register } = await post(url, 'mutation ($i: RegisterInput!) { register(input: $i) { accessToken } }', {
    i: input,
  });
  const token = (register as { accessToken: string }).accessToken;
  const { sockets, subscribe } = await graphqlSockets(url.replace('http', 'ws'), { authorization: `Bearer ${token}` });
  return {
    name: 'parley',
    process: child,
    async follow(question, index, onText) {
      const { askQuestion } = await post(
        url,
        'mutation ($q: String!) { askQuestion(input: { question: $q }) { answer { id } } }',
        { q: question },
        token,
      );
      const { id } = (askQuestion as { answer: { id: string } }).answer;
      await subscribe(index, STREAM, { id }, ({ offset, text }) => text !== undefined && onText(offset!, text));
    },
    close: () => sockets.forEach((socket) => socket.close()),
  };
}

function report(results: Record<string, Record<'paced' | 'flat', Result[]>>): void {
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  /** Of each round's ratio to the same round's raw: what disturbs a round disturbs both. */
  const ratio = (name: string, load: 'paced' | 'flat', key: keyof Result) =>
    median(results[name]![load].map((result, round) => result[key] / results['raw']![load][round]![key]));
  const rows = Object.keys(results).map((name) => ({
    design: name,
    'CPU per token, paced': `${ratio(name, 'paced', 'cpuPerToken').toFixed(2)}`,
    'lag p50, paced': `${ratio(name, 'paced', 'lag').toFixed(2)}`,
    'tokens/s, flat out': `${ratio(name, 'flat', 'tokensPerSecond').toFixed(2)}`,
    'CPU per token, flat out': `${ratio(name, 'flat', 'cpuPerToken').toFixed(2)}`,
  }));
  console.log(`\r\nAs multiples of raw, medians of ${ROUNDS} interleaved rounds`);
  console.log(
    `paced: ${PACED.answers} answers at ${PACED.rate} tokens/s; flat out: ${FLAT_OUT.answers} answers of ${FLAT_OUT.tokens} tokens\n`,
  );
  console.table(rows);
  const kept = join(packageRoot, 'bench/results');
  mkdirSync(kept, { recursive: true });
  writeFileSync(join(kept, 'stream.json'), `${JSON.stringify({ ratios: rows, rounds: results }, null, 1)}\n`);
}
