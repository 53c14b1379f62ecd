/** Attacks on accounts and on what answers cost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { summarize, times, type Attack } from '../attack.js';
import { PASSWORD, type Attacker, type Reply } from '../attacker.js';
import { answerWith } from '../target.js';

const codes = (replies: readonly Reply[]): string => summarize(replies.map(({ code }) => code));

/** Answers that take their time, so that all of them run at once. */
const slow = answerWith(async (_request, reply) => {
  reply.delta('Wait');
  await sleep(5_000);
  reply.finish('stop', { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 });
});

/** @param maxAccepted how many of the questions may start */
const createQuestions = (name: string, maxAccepted: number, settings: Record<string, string> = {}): Attack => ({
  name,
  settings,
  provider: slow,
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    return async () => {
      const replies = await Promise.all(times(30, () => attacker.tryToAsk('How long?')));
      attacker[Symbol.dispose]();
      return { got: codes(replies), isDefended: replies.filter(({ code }) => code === 'ok').length <= maxAccepted };
    };
  },
});

const running = createQuestions('30 questions at once', 5);

const quota = createQuestions('30 questions at once against DAILY_TOKEN_QUOTA=5000', 2, {
  DAILY_TOKEN_QUOTA: '5000',
  MAX_RUNNING_ANSWERS_PER_USER: '30',
});

const endless: Attack = {
  name: 'an answer that never ends',
  provider: answerWith(async (_request, reply) => {
    while (!reply.signal.aborted) {
      reply.delta('more and more of it '.repeat(20));
      await sleep(5);
    }
  }),
  async prepare(target) {
    const attacker = await target.createAttacker().register();
    return async () => {
      const { answer } = await attacker.ask('Go on');
      const query = `{ message(id: "${answer}") { status finishReason content } }`;
      let body = '';
      for (let i = 0; i < 30 && !body.includes('COMPLETED'); i += 1) {
        await sleep(500);
        body = (await attacker.post(query)).body;
      }
      attacker[Symbol.dispose]();
      const [, status] = /"status":"(\w+)"/.exec(body) ?? [];
      const [, reason] = /"finishReason":"?(\w+)"?/.exec(body) ?? [];
      return { got: `${status}, ${reason}, ${body.length} bytes`, isDefended: status === 'COMPLETED' };
    };
  },
};

const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';

const register = (attacker: Attacker, i: number) =>
  attacker.post(REGISTER, { input: { email: `attacker-${attacker.address}-${i}@example.com`, password: PASSWORD } });

const registrations: Attack = {
  name: '300 registrations of one address and 10 of 30 addresses each',
  prepare: async (target) => async () => {
    const single = target.createAttacker('127.0.4.1');
    const one = await Promise.all(times(300, (i) => register(single, i)));
    const many = times(30, (i) => target.createAttacker(`127.0.5.${i + 1}`));
    const all = await Promise.all(many.flatMap((attacker) => times(10, (i) => register(attacker, i))));
    for (const attacker of [single, ...many]) attacker[Symbol.dispose]();
    const registered = [...one, ...all].filter(({ code }) => code === 'ok').length;
    return { got: `one address: ${codes(one)}; 30 addresses: ${codes(all)}`, isDefended: registered <= 502 };
  },
};

/** The owner of the attacked account signs in from another address while the passwords are checked. */
const createLogins = (name: string, getEmail: (attacker: number, attempt: number) => string): Attack => ({
  name,
  async prepare(target) {
    const owner = target.createAttacker('127.0.6.1');
    await owner.register(OWNER);
    const attackers = times(50, (i) => target.createAttacker(`127.0.7.${i + 1}`));
    return async () => {
      const login = (attacker: Attacker, email: string, password: string) =>
        attacker.post(LOGIN, { input: { email, password } });
      const wrong = attackers.flatMap((attacker, i) =>
        times(20, (j) => login(attacker, getEmail(i, j), `wrong password ${j}`)),
      );
      const meanwhile = sleep(300).then(() => login(owner, OWNER, PASSWORD));
      const attempts = await Promise.all(wrong);
      const right = await meanwhile;
      for (const attacker of [owner, ...attackers]) attacker[Symbol.dispose]();
      return {
        got: `attackers: ${codes(attempts)}; owner: ${right.code} after ${right.milliseconds.toFixed(0)} ms`,
        isDefended: right.code === 'ok',
      };
    };
  },
});

const OWNER = 'owner@example.com';
const logins = createLogins('1,000 wrong passwords of 50 addresses for one account', () => OWNER);
const loginsOfMany = createLogins(
  '1,000 wrong passwords of 50 addresses for 1,000 accounts',
  (i, j) => `user-${i}-${j}@example.com`,
);

export const accountAttacks: Attack[] = [running, quota, endless, registrations, logins, loginsOfMany];
