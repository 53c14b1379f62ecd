import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BUILD } from '../kit/build.js';

// Some attacks of `npm run attack`. How long its healthy client waits says nothing on a busy machine.
test('the server survives attacks that need no account or one, and refuses them', async () => {
  const attacks = ['400 pings', '60,000 unknown input fields', '700 WebSockets'];
  const args = [...attacks.flatMap((name) => ['--only', name]), '--max-median', '60000'];
  const child = spawn(process.execPath, [join(BUILD, 'bench/attack/run.js'), ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('None of 3 attacks succeeded') });
}, 300_000);
