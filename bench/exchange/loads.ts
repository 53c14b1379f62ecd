import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredDatabase } from '../kit/databases.js';
import type { Gate } from '../kit/gate.js';
import type { SeededUser } from '../kit/seed.js';
import { Tally } from '../kit/tally.js';
import { checkStored } from '../requests/check-stored.js';
import type { FollowerSocket } from '../servers/follower-socket.js';
import { ask, type MeasuredServer } from '../servers/measured-server.js';

/** The time within which all users ask, or all followers join. */
const SPREAD_MS = 1_000;

/** Tokens per second. */
const RATE = 25;

export interface Sizes {
  /** The tokens of an answer. */
  tokens: number;
  /** How many tokens a follower reads before it leaves. */
  readTokens: number;
}

export interface Subject extends Sizes {
  server: MeasuredServer;
  database: MeasuredDatabase;
  gate: Gate;
  users: readonly (SeededUser & { socket: FollowerSocket })[];
}

/**
 * Every user asks within one second, in a new conversation, and follows the answer to its end. Includes the title and the
 * last writes.
 */
export async function exchange({ server, database, gate, users, tokens }: Subject): Promise<Record<string, number>> {
  const question = 'Which tent would you take for two people?';
  const firstTokens: number[] = [];
  const lags = new Tally();
  const answers: string[] = [];
  await gate.open({ tokens, rate: RATE, finish: true });
  const run = async ({ token, socket }: Subject['users'][number], delay: number) => {
    await sleep(delay);
    const began = performance.now();
    const { answerId } = await ask(server, token, { question });
    answers.push(answerId);
    const check = lags.follower();
    let isFirst = true;
    const { finished } = socket.follow(answerId, (offset, text) => {
      if (isFirst) firstTokens.push(performance.now() - began);
      isFirst = false;
      check(offset, text);
    });
    await finished;
  };
  const cpu = await server.process.measureCpu(async () => {
    await Promise.all(users.map((user, index) => run(user, (index * SPREAD_MS) / users.length)));
    await server.process.untilIdle();
  });
  await gate.close();
  if (lags.tokens !== users.length * tokens) throw new Error(`${lags.tokens} tokens arrived.`);
  for (const answerId of answers) await checkStored(database, answerId, { question, tokens, isTitled: true });
  const sorted = firstTokens.toSorted((a, b) => a - b);
  return {
    cpuPerToken: cpu / lags.tokens,
    firstTokenP50: sorted[sorted.length >> 1]!,
    firstTokenP99: sorted[Math.floor(sorted.length * 0.99)]!,
    lagP50: lags.lag(0.5),
  };
}

/** As many followers as there are users join one answer within one second, each reads 50 tokens, and leaves. */
export async function visit({ server, gate, users, readTokens }: Subject): Promise<Record<string, number>> {
  const [{ token, socket }] = users as [Subject['users'][number]];
  const { answerId } = await ask(server, token, { question: 'A question' });
  await server.process.untilIdle();
  const run = async (delay: number) => {
    await sleep(delay);
    const check = new Tally();
    const onText = check.follower();
    const enough = Promise.withResolvers<void>();
    let end = Infinity;
    const following = socket.follow(answerId, (offset, text) => {
      onText(offset, text);
      if (end === Infinity) end = check.tokens + readTokens;
      if (check.tokens >= end) enough.resolve();
    });
    await enough.promise;
    following.leave();
  };
  await gate.open({ tokens: 9_999, rate: RATE });
  const cpu = await server.process.measureCpu(async () => {
    await Promise.all(users.map((_, index) => run((index * SPREAD_MS) / users.length)));
  });
  await gate.close();
  await server.process.untilIdle();
  return { cpuPerVisit: cpu / users.length };
}
