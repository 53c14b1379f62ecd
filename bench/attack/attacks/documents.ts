/** Attacks by operations that cost more to validate or to execute than to send. */
import { summarize, times, toMegabytes, type Attack, type Outcome } from '../attack.js';
import { PASSWORD, type Attacker, type Reply } from '../attacker.js';
import { seedConversations } from '../seed.js';
import type { Target } from '../target.js';

function describe(replies: readonly Reply[]): string {
  const slowest = Math.max(...replies.map(({ milliseconds }) => milliseconds));
  const largest = Math.max(...replies.map(({ bytes }) => bytes));
  return `${summarize(replies.map(({ code }) => code))}, at most ${slowest.toFixed(0)} ms and ${toMegabytes(largest)}`;
}

/** Sends an operation several times at once. */
async function repeat(attacker: Attacker, count: number, query: string, variables?: object): Promise<Outcome> {
  const replies = await Promise.all(times(count, () => attacker.post(query, variables)));
  attacker[Symbol.dispose]();
  return { got: describe(replies), isDefended: replies.every(({ status }) => status > 0 && status < 500) };
}

const unknownFields: Attack = {
  name: '5 requests of 1 MB with 60,000 unknown input fields',
  prepare: async (target) => () => {
    const input = Object.fromEntries(times(60_000, (i) => [`field${i}`, 'x']));
    const query = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }';
    return repeat(target.createAttacker(), 5, query, { input });
  },
};

const unknownSelections: Attack = {
  name: '20 documents of 900 kB with unknown fields',
  prepare: async (target) => () =>
    repeat(target.createAttacker(), 20, `{ ${times(100_000, (i) => `f${i}`).join(' ')} }`),
};

const validDocuments: Attack = {
  name: '3,000 valid documents of 95 kB',
  prepare: async (target) => async () => {
    const attacker = target.createAttacker();
    const before = target.readMemory().resident;
    const comment = '#'.repeat(95_000);
    const codes: string[] = [];
    for (let i = 0; i < 3_000; i += 30) {
      const replies = await Promise.all(times(30, (j) => attacker.post(`{ a${i + j}: __typename } ${comment}`)));
      for (const { code } of replies) codes.push(code);
    }
    const kept = target.readMemory().resident - before;
    attacker[Symbol.dispose]();
    return { got: `${summarize(codes)}; ${toMegabytes(kept)} kept`, isDefended: kept < MAX_KEPT_BYTES };
  },
};

/** What the caches of documents and the garbage of reading them may cost. */
const MAX_KEPT_BYTES = 200_000_000;

const manyValues: Attack = {
  name: '10 requests of 1 MB with 250,000 values in a variable',
  prepare: async (target) => () => {
    const query = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
    return repeat(target.createAttacker(), 10, query, { input: { email: times(250_000, () => 1), password: 'x' } });
  },
};

const emptyObjects: Attack = {
  name: '200 bodies of 1 MB of 5 addresses with 300,000 empty objects each',
  prepare: async (target) => async () => {
    const body = Buffer.from(`{"query":"{ __typename }","variables":{"a":[${'{},'.repeat(300_000)}{}]}}`);
    const attackers = times(5, (i) => target.createAttacker(`127.0.4.${i + 1}`));
    const replies = await Promise.all(attackers.flatMap((attacker) => times(40, () => attacker.send({ body }))));
    for (const attacker of attackers) attacker[Symbol.dispose]();
    return { got: describe(replies), isDefended: replies.every(({ code, status }) => code !== 'ok' && status < 500) };
  },
};

/** Registers the attacker and gives it many conversations. */
async function createRichAttacker(target: Target, conversations: number, messagesEach: number): Promise<Attacker> {
  const attacker = await target.createAttacker().register();
  await seedConversations(target.databasePath, conversations, messagesEach);
  return attacker;
}

const search: Attack = {
  name: '4 requests with 15 searches of 8 common words',
  async prepare(target) {
    const attacker = await createRichAttacker(target, 2_000, 10);
    const query = (terms: string) =>
      `{ ${times(15, (i) => `a${i}: conversations(first: 20, search: "${terms}") { nodes { id } }`).join(' ')} }`;
    return async () => {
      const letters = await Promise.all(times(2, () => attacker.post(query('t e a s o n r i'))));
      const words = await Promise.all(times(2, () => attacker.post(query('te st la ro bo ma pa mu'))));
      const few = await Promise.all(
        times(4, () => attacker.post(query('te st la ro bo ma pa mu').replace(/a5: .*/, '}'))),
      );
      attacker[Symbol.dispose]();
      return {
        got: `letters: ${describe(letters)}; words: ${describe(words)}; 5 searches: ${describe(few)}`,
        isDefended: [...letters, ...words, ...few].every(({ milliseconds }) => milliseconds < 5_000),
      };
    };
  },
};

const counts: Attack = {
  name: '10 requests with 15 × totalCount of 5,000 conversations',
  async prepare(target) {
    const attacker = await createRichAttacker(target, 5_000, 2);
    const fields = times(15, (i) => `a${i}: conversations(first: 50) { totalCount nodes { messages { totalCount } } }`);
    return () => repeat(attacker, 10, `{ ${fields.join(' ')} }`);
  },
};

const reports: Attack = {
  name: '5 requests with 15 sales reports over 10,000 conversations',
  async prepare(target) {
    const attacker = await createRichAttacker(target, 10_000, 0);
    const fields = times(15, (i) => `a${i}: salesReport { conversations byStatus { count } topInterests { count } }`);
    return async () => {
      const many = await Promise.all(times(5, () => attacker.post(`{ ${fields.join(' ')} }`)));
      const one = await Promise.all(times(20, () => attacker.post(`{ ${fields[0]} }`)));
      attacker[Symbol.dispose]();
      return { got: `15 reports: ${describe(many)}; 20 single ones: ${describe(one)}`, isDefended: true };
    };
  },
};

const deletion: Attack = {
  name: 'the deletion of an account with 40,000 messages',
  async prepare(target) {
    const attacker = await createRichAttacker(target, 4_000, 10);
    const query = 'mutation ($input: DeleteAccountInput!) { deleteAccount(input: $input) }';
    return () => repeat(attacker, 1, query, { input: { password: PASSWORD } });
  },
};

export const documentAttacks: Attack[] = [
  unknownFields,
  unknownSelections,
  validDocuments,
  emptyObjects,
  manyValues,
  search,
  counts,
  reports,
  deletion,
];
