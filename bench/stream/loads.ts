import { setTimeout as sleep } from 'node:timers/promises';
import type { Design } from './designs.js';
import type { Gate } from './gate.js';
import { Tally } from './tally.js';

/** Until the tokens flow steadily, in milliseconds. */
const LEAD = 1_000;
/** Holds two heartbeats, which save what the running answers have said; in milliseconds. */
const WINDOW = 4_000;
/** Longer than any window. */
const ENDLESS = 9_999;
/** Between two questions, for what the first leaves to do; in milliseconds. */
const PAUSE = 20;

/** Tokens at a steady rate: what one costs on its way through the server, and how long it takes. */
export async function paced(
  design: Design,
  gate: Gate,
  { answers, followers = 1, rate }: { answers: number; followers?: number; rate: number },
) {
  const tally = new Tally();
  const { ended } = await askAndFollow(design, tally, answers, followers);
  await gate.open({ tokens: ENDLESS, rate });
  await sleep(LEAD);
  const cpu = await design.process.metered(async () => {
    tally.clear();
    await sleep(WINDOW);
  });
  const result = {
    cpuPerToken: cpu / tally.tokens,
    lagP50: tally.lag(0.5),
    lagP99: tally.lag(0.99),
    tokensPerSecond: (tally.tokens / WINDOW) * 1000,
    busy: cpu / 1000 / WINDOW,
  };
  await gate.close();
  await ended;
  await design.process.quiet();
  return result;
}

/** Tokens as fast as they come. */
export async function flatOut(design: Design, gate: Gate, { answers, tokens }: { answers: number; tokens: number }) {
  const tally = new Tally();
  const { ended } = await askAndFollow(design, tally, answers, 1);
  const all = tally.reached(answers * tokens);
  const [provider, client] = [await gate.provider.ask('cpu'), ownCpu()];
  let time = 0;
  const cpu = await design.process.metered(async () => {
    const began = performance.now();
    await gate.open({ tokens, rate: 0 });
    await all;
    time = (performance.now() - began) * 1000;
  });
  const result = {
    cpuPerToken: cpu / (answers * tokens),
    tokensPerSecond: (answers * tokens) / (time / 1e6),
    // Of one core each. Where the last two are large beside the first, it is them that were measured.
    busy: cpu / time,
    providerBusy: ((await gate.provider.ask('cpu')) - provider) / time,
    clientBusy: (ownCpu() - client) / time,
  };
  await gate.close();
  await ended;
  await design.process.quiet();
  return result;
}

/** One question after the other to a server that has nothing else to do: the time until its first token is here. */
export async function firstToken(design: Design, gate: Gate, { questions }: { questions: number }) {
  const times: number[] = [];
  for (let i = 0; i < questions; i += 1) {
    await gate.open({ tokens: 1, rate: 0 });
    const tally = new Tally();
    const first = tally.reached(1);
    const began = performance.now();
    const ended = design.askAndFollow(tally.follower());
    await first;
    times.push(performance.now() - began);
    await gate.close();
    await ended;
    await sleep(PAUSE);
  }
  return { p50: times.toSorted((a, b) => a - b)[questions >> 1]! };
}

/** What those cost that wait, in KB each: followers of a silent answer, and silent answers that nobody follows. */
export async function memory(
  design: Design,
  gate: Gate,
  { followers, answers }: { followers: number; answers: number },
) {
  await flatOut(design, gate, { answers: 50, tokens: 50 }); // so that code and caches are there
  const subscription = await growth(design, gate, 1, followers);
  const stream = await growth(design, gate, answers, 0);
  return {
    subscriptionHeap: subscription.heap,
    subscriptionRss: subscription.rss,
    streamHeap: stream.heap,
    streamRss: stream.rss,
  };
}

/** By how much it grows with each follower, or with each answer where there are none. */
async function growth(design: Design, gate: Gate, answers: number, followers: number) {
  const before = await design.process.ask('memory');
  const { ended } = await askAndFollow(design, new Tally(), answers, followers);
  const after = await design.process.ask('memory');
  await gate.open({ tokens: 1, rate: 0 });
  await gate.close();
  await ended;
  await design.process.quiet();
  const each = 1024 * (followers || answers);
  return { heap: (after.heap - before.heap) / each, rss: (after.rss - before.rss) / each };
}

/** Asks, follows, and waits until all that is done. `ended` resolves when all followers have seen their answer's end. */
async function askAndFollow(
  design: Design,
  tally: Tally,
  answers: number,
  followers: number,
): Promise<{ ended: Promise<unknown> }> {
  const asked = await Promise.all(Array.from({ length: answers }, () => design.ask()));
  const following = asked.flatMap((answer) =>
    Array.from({ length: followers }, () => design.follow(answer, tally.follower())),
  );
  await design.process.quiet();
  return { ended: Promise.all(following) };
}

/** This process's: it is the client of all. */
function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
