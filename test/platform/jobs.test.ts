import { pino } from 'pino';
import { Jobs } from '../../src/platform/jobs/jobs.js';

test('a job runs on schedule, and again after a failure, which is logged', async () => {
  const logged: string[] = [];
  using jobs = new Jobs(pino({}, { write: (line: string) => void logged.push(line) }));
  const twice = Promise.withResolvers<void>();
  let runs = 0;
  // In a pattern with six fields, the first one is the second.
  jobs.schedule('every second', '* * * * * *', async () => {
    runs += 1;
    if (runs === 1) throw new Error('not yet');
    twice.resolve();
  });
  // The timers of jobs are unreferenced, so keep the process alive by another one.
  const alive = setInterval(() => {}, 1_000);
  await twice.promise;
  clearInterval(alive);
  expect(logged.join('')).toContain('not yet');
});
