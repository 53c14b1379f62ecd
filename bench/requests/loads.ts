import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredDatabase } from '../kit/databases.js';
import type { Gate } from '../kit/gate.js';
import type { SeededUser } from '../kit/seed.js';
import { Tally } from '../kit/tally.js';
import type { FollowerSocket } from '../servers/follower-socket.js';
import { ask, type Asked, type MeasuredServer, type OperationName } from '../servers/measured-server.js';
import { checkStored } from './check-stored.js';

/** Requests in progress while the CPU time is measured. The latency is that of a single one. */
const CONCURRENCY = 4;

/** Tokens of a short answer, and of an answer that is joined. */
const SHORT_ANSWER = 20;
const JOINED_ANSWER = 50;

/** Between two questions, for the work that follows the first answer. */
const PAUSE_MS = 20;

export interface Subject {
  server: MeasuredServer;
  database: MeasuredDatabase;
  gate: Gate;
  /** The user who reads, and the one who asks. */
  reader: SeededUser;
  asker: SeededUser;
  socket: FollowerSocket;
  /** Conversations in which nothing has been asked yet. */
  unasked: string[];
  /** The first response to each operation that reads. The others must be equal. */
  bodies: Map<OperationName, string>;
}

export type Figures = Record<string, number>;

export async function read(subject: Subject, operation: OperationName, count: number): Promise<Figures> {
  const { server, reader, bodies } = subject;
  const variables = operation === 'page' ? { id: reader.conversations[0] } : {};
  const send = async () => {
    const body = await server.send(operation, variables, reader.token);
    if (!bodies.has(operation)) bodies.set(operation, body);
    if (body !== bodies.get(operation)) throw new Error(`Unexpected response to ${operation}: ${body}`);
  };
  return await measure(server, count, send);
}

/** Until the transaction is committed and the answer has begun: the provider holds it back. */
export async function askOnly(subject: Subject, count: number): Promise<Figures> {
  const { server, asker, unasked, gate, socket, database } = subject;
  const asked: Asked[] = [];
  const question = 'And how long does it take to pitch it?';
  const figures = await measure(server, count, async () => {
    asked.push(await ask(server, asker.token, { question, conversationId: unasked.pop()! }));
  });
  const tally = new Tally();
  const finished = asked.map(({ answerId }) => socket.follow(answerId, tally.follower()).finished);
  await gate.open({ tokens: 1, rate: 0 });
  await gate.close();
  await Promise.all(finished);
  await server.process.untilIdle();
  for (const { answerId } of asked) await checkStored(database, answerId, { question, tokens: 1, isTitled: true });
  return figures;
}

/** Until the short answer and the title of the new conversation are stored. */
export async function askToEnd(subject: Subject, count: number): Promise<Figures> {
  const { server, asker, gate, database } = subject;
  const asked: Asked[] = [];
  const question = 'Which stove boils a litre in four minutes?';
  await gate.open({ tokens: SHORT_ANSWER, rate: 0, finish: true });
  const figures = await measure(server, count, async () => {
    asked.push(await ask(server, asker.token, { question, stream: false }));
  });
  await gate.close();
  for (const { answerId, content } of asked)
    await checkStored(database, answerId, { question, content, tokens: SHORT_ANSWER, isTitled: true });
  return figures;
}

/** From subscribing to the first event of an answer that is being generated. */
export async function join(subject: Subject, count: number): Promise<Figures> {
  const { server, asker, unasked, gate, socket } = subject;
  const { answerId } = await ask(server, asker.token, { question: 'A question', conversationId: unasked.pop()! });
  const tally = new Tally();
  const complete = tally.reached(JOINED_ANSWER);
  const { finished } = socket.follow(answerId, tally.follower());
  await gate.open({ tokens: JOINED_ANSWER, rate: 0 });
  await complete;
  const figures = await measure(server, count, async () => {
    const joined = new Tally();
    const received = joined.reached(JOINED_ANSWER);
    const following = socket.follow(answerId, joined.follower());
    await received;
    following.leave();
  });
  await gate.close();
  await finished;
  await server.process.untilIdle();
  return figures;
}

/** From asking on an idle server to the first token. */
export async function firstToken(subject: Subject, count: number): Promise<Figures> {
  const { server, asker, unasked, gate, socket } = subject;
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    await gate.open({ tokens: 1, rate: 0 });
    const tally = new Tally();
    const first = tally.reached(1);
    const began = performance.now();
    const { answerId } = await ask(server, asker.token, { question: 'A question', conversationId: unasked.pop()! });
    const { finished } = socket.follow(answerId, tally.follower());
    await first;
    times.push(performance.now() - began);
    await gate.close();
    await finished;
    await sleep(PAUSE_MS);
  }
  return { p50: median(times) };
}

/** Runs `work` one at a time for its latency in milliseconds, then some at once for its CPU time in microseconds. */
async function measure(server: MeasuredServer, count: number, work: () => Promise<void>): Promise<Figures> {
  const times: number[] = [];
  for (let i = 0; i < Math.ceil(count / 4); i += 1) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  await server.process.untilIdle();
  let remaining = count;
  const cpu = await server.process.measureCpu(async () => {
    const run = async () => {
      while ((remaining -= 1) >= 0) await work();
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, run));
    // Also what follows a response: the provider call, a title, the last writes.
    await server.process.untilIdle();
  });
  return { cpu: cpu / count, p50: median(times) };
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
