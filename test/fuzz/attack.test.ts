import { runBench } from '../kit/bench.js';

// Some attacks of `npm run attack`. How long its healthy client waits says nothing on a busy machine.
test('the server survives attacks that need no account or one, and refuses them', async () => {
  const attacks = ['400 pings', '60,000 unknown input fields', '700 WebSockets'];
  const args = [...attacks.flatMap((name) => ['--only', name]), '--max-median', '60000'];
  const { code, output } = await runBench('attack/run.js', args);
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('None of 3 attacks succeeded') });
}, 300_000);
