import { pino } from 'pino';
import { Jobs } from '../../src/platform/jobs/jobs.js';

test('a job runs when its time comes, and again after a failure, which is logged', async () => {
  const logged: string[] = [];
  using jobs = new Jobs(pino({}, { write: (line: string) => void logged.push(line) }));
  const twice = Promise.withResolvers<void>();
  let runs = 0;
  // With six fields the first one is of seconds.
  jobs.schedule('every second', '* * * * * *', async () => {
    runs += 1;
    if (runs === 1) throw new Error('not yet');
    twice.resolve();
  });
  // Its timers keep no process alive, so something else has to.
  const alive = setInterval(() => {}, 1_000);
  await twice.promise;
  clearInterval(alive);
  expect(logged.join('')).toContain('not yet');
});
