import { setTimeout as sleep } from 'node:timers/promises';
import type { Design } from './designs.js';
import type { Gate } from '../kit/gate.js';
import { toCount } from '../kit/scale.js';
import { Tally } from '../kit/tally.js';

/** Until the tokens flow at a steady rate. */
const LEAD_MS = toCount(1_000, 300);
/** Contains two heartbeats, which save the texts of running answers. */
const WINDOW_MS = toCount(4_000, 500);
/** More tokens than any window can contain. */
const ENDLESS = 9_999;
/** Between two questions, for the work that follows the first answer. */
const PAUSE_MS = 20;

/** Sends tokens at a steady rate. Measures the CPU time and the latency of a token. */
export async function paced(
  design: Design,
  gate: Gate,
  { answers, followers = 1, rate }: { answers: number; followers?: number; rate: number },
) {
  const tally = new Tally();
  const { finished } = await askAndFollow(design, tally, answers, followers);
  await gate.open({ tokens: ENDLESS, rate });
  await sleep(LEAD_MS);
  const cpu = await design.process.measureCpu(async () => {
    tally.clear();
    await sleep(WINDOW_MS);
  });
  const result = {
    cpuPerToken: cpu / tally.tokens,
    lagP50: tally.lag(0.5),
    lagP99: tally.lag(0.99),
    tokensPerSecond: (tally.tokens / WINDOW_MS) * 1000,
    busy: cpu / 1000 / WINDOW_MS,
  };
  await gate.close();
  await finished;
  await design.process.untilIdle();
  return result;
}

/** Sends tokens as fast as possible. */
export async function flatOut(design: Design, gate: Gate, { answers, tokens }: { answers: number; tokens: number }) {
  const tally = new Tally();
  const { finished } = await askAndFollow(design, tally, answers, 1);
  const received = tally.reached(answers * tokens);
  const [provider, client] = [await gate.provider.request('cpu'), getClientCpu()];
  let time = 0;
  const cpu = await design.process.measureCpu(async () => {
    const began = performance.now();
    await gate.open({ tokens, rate: 0 });
    await received;
    time = (performance.now() - began) * 1000;
  });
  const result = {
    cpuPerToken: cpu / (answers * tokens),
    tokensPerSecond: (answers * tokens) / (time / 1e6),
    // Shares of one core. If one of the last two is close to 1, that process was the bottleneck.
    busy: cpu / time,
    providerBusy: ((await gate.provider.request('cpu')) - provider) / time,
    clientBusy: (getClientCpu() - client) / time,
  };
  await gate.close();
  await finished;
  await design.process.untilIdle();
  return result;
}

/** Asks one question at a time. Measures the time to the first token. */
export async function firstToken(design: Design, gate: Gate, { questions }: { questions: number }) {
  const times: number[] = [];
  for (let i = 0; i < questions; i += 1) {
    await gate.open({ tokens: 1, rate: 0 });
    const tally = new Tally();
    const first = tally.reached(1);
    const began = performance.now();
    const finished = design.askAndFollow(tally.follower());
    await first;
    times.push(performance.now() - began);
    await gate.close();
    await finished;
    await sleep(PAUSE_MS);
  }
  return { p50: times.toSorted((a, b) => a - b)[questions >> 1]! };
}

/** Measures the memory, in KB, of each follower of an idle answer, and of each idle answer without followers. */
export async function memory(
  design: Design,
  gate: Gate,
  { followers, answers }: { followers: number; answers: number },
) {
  await flatOut(design, gate, { answers: 50, tokens: 50 }); // warms up code and caches
  const subscription = await measureGrowth(design, gate, 1, followers);
  const stream = await measureGrowth(design, gate, answers, 0);
  return {
    subscriptionHeap: subscription.heap,
    subscriptionRss: subscription.rss,
    streamHeap: stream.heap,
    streamRss: stream.rss,
  };
}

/** Returns the growth in KB per follower, or per answer if there are no followers. */
async function measureGrowth(design: Design, gate: Gate, answers: number, followers: number) {
  const before = await design.process.request('memory');
  const { finished } = await askAndFollow(design, new Tally(), answers, followers);
  const after = await design.process.request('memory');
  await gate.open({ tokens: 1, rate: 0 });
  await gate.close();
  await finished;
  await design.process.untilIdle();
  const each = 1024 * (followers || answers);
  return { heap: (after.heap - before.heap) / each, rss: (after.rss - before.rss) / each };
}

/** Asks, follows, and waits until the server is idle. `finished` resolves when all followers have received the end. */
async function askAndFollow(
  design: Design,
  tally: Tally,
  answers: number,
  followers: number,
): Promise<{ finished: Promise<unknown> }> {
  const answerIds = await Promise.all(Array.from({ length: answers }, () => design.ask()));
  const following = answerIds.flatMap((answer) =>
    Array.from({ length: followers }, () => design.follow(answer, tally.follower())),
  );
  await design.process.untilIdle();
  return { finished: Promise.all(following) };
}

/** Returns the CPU time of this process, which is the client of all servers, in microseconds. */
function getClientCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
