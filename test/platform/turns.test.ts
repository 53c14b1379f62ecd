import { Turns } from '../../src/platform/limits/turns.js';

/** The time that the pieces have used, so that the order does not depend on the machine. */
let time = 0;
const createTurns = () => new Turns(() => time);

/** Starts pieces that use the event loop, and notes the order in which they start. */
function start(turns: Turns, started: string[], group: string, count: number, milliseconds: number): Promise<void[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      await turns.take(group);
      started.push(group);
      time += milliseconds;
    }),
  );
}

test('work that finds the event loop idle starts in the same turn', async () => {
  const turns = createTurns();
  let hasPassed = false;
  setImmediate(() => (hasPassed = true));
  await turns.take('jane');
  expect(hasPassed).toBe(false);
});

test('one piece is started per turn of the event loop', async () => {
  const turns = createTurns();
  const started: string[] = [];
  let seen = 0;
  setImmediate(() => (seen = started.length));
  await start(turns, started, 'jane', 5, 0);
  expect(seen).toBeLessThanOrEqual(2);
  expect(started).toHaveLength(5);
});

test('a client with little work does not wait for a client with much work', async () => {
  const turns = createTurns();
  const started: string[] = [];
  const many = start(turns, started, 'attacker', 20, 5);
  await start(turns, started, 'jane', 4, 0);
  expect(started.filter((group) => group === 'attacker').length).toBeLessThan(8);
  await many;
  expect(started).toHaveLength(24);
});

test('a client that was idle has no advantage over one that was not', async () => {
  const turns = createTurns();
  const started: string[] = [];
  const many = start(turns, started, 'attacker', 10, 2);
  await start(turns, started, 'jane', 1, 2);
  const more = start(turns, started, 'jane', 10, 2);
  await many;
  expect(started.filter((group) => group === 'jane').length).toBeLessThan(11);
  await more;
});

test('the share of a client is in proportion to its weight', async () => {
  const turns = createTurns();
  const started: string[] = [];
  const take = async (group: string, weight: number) => {
    await turns.take(group, weight);
    started.push(group);
    time += 1;
  };
  await Promise.all([
    ...Array.from({ length: 40 }, () => take('attacker', 1)),
    ...Array.from({ length: 20 }, () => take('jane', 4)),
  ]);
  const meanwhile = started.slice(0, started.lastIndexOf('jane'));
  expect(meanwhile.filter((group) => group === 'attacker').length).toBeLessThanOrEqual(6);
});
