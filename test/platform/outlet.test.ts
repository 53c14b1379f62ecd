import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Outlet } from '../../src/platform/graphql/outlet.js';

describe('the sending end of a connection', () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  afterAll(() => server.close());

  /** An outlet whose reader reads only when told, with as much sent as the network takes. */
  async function clogged(patience?: number): Promise<{ outlet: Outlet; sender: Socket; reader: Socket }> {
    await (server.listening || once(server, 'listening'));
    const reader = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    const [sender] = (await once(server, 'connection')) as [Socket];
    sender.on('error', () => {}).resume();
    reader.on('error', () => {});
    const outlet = new Outlet(sender, patience);
    expect(outlet.isReady).toBe(true);
    while (outlet.isReady) sender.write(Buffer.alloc(1_000_000));
    return { outlet, sender, reader };
  }

  test('says when it is ready again, to each listener once', async () => {
    const { outlet, reader } = await clogged();
    let calls = 0;
    await new Promise<void>((resolve) => {
      const listener = () => void (calls += 1);
      outlet.whenReady(listener);
      outlet.whenReady(listener);
      outlet.whenReady(resolve);
      reader.resume();
    });
    expect(calls).toBe(1);
    expect(outlet.isReady).toBe(true);
    reader.destroy();
  });

  test('bears with a reader that takes long, but takes something', async () => {
    const { outlet, sender, reader } = await clogged(1_000);
    sender.write(Buffer.alloc(20_000_000));
    reader.on('readable', () => {});
    // All of it takes several times the patience.
    const reading = setInterval(() => reader.read(200_000) ?? reader.read(), 40);
    const cut = new Promise((resolve) => sender.once('close', () => resolve('cut')));
    const ready = new Promise((resolve) => outlet.whenReady(() => resolve('ready')));
    expect(await Promise.race([ready, cut])).toBe('ready');
    clearInterval(reading);
    reader.destroy();
    await cut;
  });

  test('cuts a reader that takes nothing for too long', async () => {
    const { outlet, sender, reader } = await clogged(50);
    outlet.whenReady(() => {
      throw new Error('It was never ready again.');
    });
    await once(sender, 'close');
    reader.destroy();
  });
});
