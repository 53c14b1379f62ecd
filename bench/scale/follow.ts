import { setTimeout as sleep } from 'node:timers/promises';
import type { Gate } from '../kit/gate.js';
import type { SeededUser } from '../kit/seed.js';
import { Tally } from '../kit/tally.js';
import type { FollowerSocket } from '../servers/follower-socket.js';
import { ask, type MeasuredServer } from '../servers/measured-server.js';

/** Until the tokens flow at a steady rate. */
const LEAD_MS = 1_000;
const WINDOW_MS = 3_000;

/** Tokens per second of one answer, unless the client could not read as many. */
const MAX_RATE = 25;
const MAX_DELIVERIES_PER_SECOND = 10_000;

export interface FollowSubject {
  server: MeasuredServer;
  gate: Gate;
  user: SeededUser;
  sockets: readonly FollowerSocket[];
  followers: number;
}

/** Measures the CPU time of joining an answer, and of each token that reaches a follower, in microseconds. */
export async function follow({
  server,
  gate,
  user,
  sockets,
  followers,
}: FollowSubject): Promise<Record<string, number>> {
  const { answerId } = await ask(server, user.token, { question: 'A question' });
  await server.process.untilIdle();
  const tally = new Tally();
  const following: Promise<void>[] = [];
  const join = await server.process.measureCpu(async () => {
    for (let i = 0; i < followers; i += 1)
      following.push(sockets[i % sockets.length]!.follow(answerId, tally.follower()).finished);
    await server.process.untilIdle();
  });
  await gate.open({ tokens: 9_999, rate: Math.min(MAX_RATE, MAX_DELIVERIES_PER_SECOND / followers) });
  await sleep(LEAD_MS);
  const cpu = await server.process.measureCpu(async () => {
    tally.clear();
    await sleep(WINDOW_MS);
  });
  const figures = { join: join / followers, token: cpu / tally.tokens, lagP50: tally.lag(0.5) };
  await gate.close();
  await Promise.all(following);
  await server.process.untilIdle();
  return figures;
}
