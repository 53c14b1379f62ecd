/** What surrounds the server goes wrong: the disk, another process, the provider, and clients that speak other protocols. */
import { setTimeout as sleep } from 'node:timers/promises';
import { entities } from '../../../src/entities.js';
import { openConnection } from '../../../src/platform/db/database.js';
import { getSqliteClient } from '../../../src/platform/db/sqlite.js';
import { summarize, times, type Attack } from '../attack.js';
import type { Attacker } from '../attacker.js';
import { answerWith } from '../target.js';

const LONG = 'x'.repeat(30_000);

const getReadiness = async (attacker: Attacker): Promise<number> =>
  (await attacker.send({ method: 'GET', path: '/readyz' })).status;

const fullDisk: Attack = {
  name: 'a full disk',
  settings: { RATE_LIMIT_ASK: 'off' },
  maxFileKib: 2_500,
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    return async () => {
      const codes: string[] = [];
      for (let i = 0; i < 100 && codes.at(-1) !== 'UNAVAILABLE'; i += 1) {
        const { status, code } = await attacker.tryToAsk(LONG);
        codes.push(code);
        if (status === 0) break;
      }
      for (let i = 0; i < 20; i += 1) codes.push((await attacker.tryToAsk(LONG)).code);
      const full = await getReadiness(attacker);
      target.liftFileLimit();
      const began = performance.now();
      while ((await getReadiness(attacker)) !== 200 && performance.now() - began < 20_000) await sleep(100);
      const recovery = performance.now() - began;
      const last = (await attacker.tryToAsk(LONG)).code;
      attacker[Symbol.dispose]();
      return {
        got: `${summarize(codes)}; readyz ${full}; recovered after ${recovery.toFixed(0)} ms, then ${last}`,
        isDefended: full === 503 && last === 'ok',
      };
    };
  },
};

const writeLock: Attack = {
  name: 'another process holds the write lock for 8 s',
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    return async () => {
      await using orm = await openConnection({ dialect: 'sqlite', path: target.databasePath }, entities);
      const sqlite = await getSqliteClient(orm);
      sqlite.exec('begin immediate');
      const waiting = Promise.all(times(5, () => attacker.tryToAsk('Are you there?')));
      await sleep(8_000);
      sqlite.exec('rollback');
      const replies = await waiting;
      const { code } = await attacker.tryToAsk('And now?');
      attacker[Symbol.dispose]();
      return {
        got: `meanwhile ${summarize(replies.map((reply) => reply.code))}; then ${code}`,
        isDefended: code === 'ok',
      };
    };
  },
};

/** Returns the status and the error of an answer when it is finished, and how long that took. */
async function waitForAnswer(attacker: Attacker, answer: string, seconds: number): Promise<string> {
  const began = performance.now();
  const query = `{ message(id: "${answer}") { status error { code } } }`;
  for (;;) {
    const { body } = await attacker.post(query);
    const [, status] = /"status":"(\w+)"/.exec(body) ?? [];
    const elapsed = (performance.now() - began) / 1_000;
    if (status !== 'STREAMING' || elapsed > seconds) {
      const [, code] = /"code":"(\w+)"/.exec(body) ?? [];
      return `${status}${code ? ` ${code}` : ''} after ${elapsed.toFixed(1)} s`;
    }
    await sleep(100);
  }
}

const largeEvent: Attack = {
  name: "a provider's event of 900 kB in pieces of 100 bytes",
  provider: answerWith(async (_request, reply) => {
    const content = 'x'.repeat(900_000);
    const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
    for (let i = 0; i < event.length && !reply.signal.aborted; i += 100) {
      reply.raw(event.slice(i, i + 100));
      // Lets the kernel send the piece by itself.
      await new Promise(setImmediate);
    }
    reply.finish('stop', { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 });
  }),
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    return async () => {
      const cpu = target.readCpu();
      const asked = await Promise.all(times(3, () => attacker.ask('Go on')));
      const ends = await Promise.all(asked.map(({ answer }) => waitForAnswer(attacker, answer, 20)));
      attacker[Symbol.dispose]();
      const used = target.readCpu() - cpu;
      return { got: `3 answers: ${ends.join(', ')}; ${used.toFixed(1)} s of CPU`, isDefended: used < 5 };
    };
  },
};

const emptyEvents: Attack = {
  name: 'a provider that sends events without content, OPENAI_TIMEOUT=2s',
  settings: { OPENAI_TIMEOUT: '2s', OPENAI_MAX_RETRIES: '0' },
  provider: answerWith(async (_request, reply) => {
    const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: null }] })}\n\n`;
    while (!reply.signal.aborted) {
      reply.raw(event);
      await sleep(20);
    }
  }),
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    return async () => {
      const { answer } = await attacker.ask('Go on');
      const got = await waitForAnswer(attacker, answer, 15);
      attacker[Symbol.dispose]();
      return { got, isDefended: got.startsWith('FAILED') };
    };
  },
};

const upgrade: Attack = {
  name: '200 requests with Upgrade: h2c',
  prepare: async (target) => async () => {
    const attacker = target.createAttacker();
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
    };
    const replies = await Promise.all(
      times(200, () => attacker.send({ headers, body: JSON.stringify({ query: '{ __typename }' }) })),
    );
    attacker[Symbol.dispose]();
    const got = summarize(replies.map(({ status, code }) => `${status} ${code}`));
    return { got, isDefended: got === '200 ok × 200' };
  },
};

export const environmentAttacks: Attack[] = [fullDisk, writeLock, largeEvent, emptyEvents, upgrade];
