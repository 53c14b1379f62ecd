import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { BackpressureWriter } from '../../src/transport/subscriptions/backpressure-writer.js';

/** More than the buffers of the operating system take for one connection, however far they grow. */
const MORE_THAN_BUFFERED = 64_000_000;

describe('the backpressure writer of a connection', () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  });
  afterAll(() => server.close());

  /** Creates a writer whose network buffers are full, and whose reader reads only on demand. */
  async function clogged(
    stallTimeoutMs?: number,
  ): Promise<{ writer: BackpressureWriter; sender: Socket; reader: Socket }> {
    await (server.listening || once(server, 'listening'));
    const reader = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    const [sender] = (await once(server, 'connection')) as [Socket];
    sender.on('error', () => {}).resume();
    reader.on('error', () => {});
    sockets.add(sender).add(reader);
    const writer = new BackpressureWriter(sender, stallTimeoutMs);
    expect(writer.isReady).toBe(true);
    sender.write(Buffer.alloc(MORE_THAN_BUFFERED));
    expect(writer.isReady).toBe(false);
    return { writer, sender, reader };
  }

  test('counts what is held elsewhere as unsent, and closes the connection past the bound', () => {
    const sender = new Socket();
    const writer = new BackpressureWriter(sender, 30_000, 1_000);
    const held = writer.hold(1_000);
    expect(writer.unsentBytes).toBe(1_000);
    expect(writer.admits()).toBe(true);
    held[Symbol.dispose]();
    held[Symbol.dispose]();
    expect(writer.unsentBytes).toBe(0);
    writer.hold(600);
    writer.hold(600);
    expect(writer.admits()).toBe(false);
    expect(sender.destroyed).toBe(true);
  });

  test('calls each listener once when it is ready again', async () => {
    const { writer, reader } = await clogged();
    let calls = 0;
    await new Promise<void>((resolve) => {
      const listener = () => void (calls += 1);
      writer.whenReady(listener);
      writer.whenReady(listener);
      writer.whenReady(resolve);
      reader.resume();
    });
    expect(calls).toBe(1);
    expect(writer.isReady).toBe(true);
  });

  test('tolerates a slow reader that makes progress', async () => {
    const { writer, sender, reader } = await clogged(1_000);
    reader.on('readable', () => {});
    // Reading everything takes several times the timeout.
    const reading = setInterval(() => reader.read(1_000_000) ?? reader.read(), 40);
    const cut = new Promise((resolve) => sender.once('close', () => resolve('cut')));
    const ready = new Promise((resolve) => writer.whenReady(() => resolve('ready')));
    expect(await Promise.race([ready, cut])).toBe('ready');
    clearInterval(reading);
  });

  test('destroys the connection of a stalled reader', async () => {
    const { writer, sender } = await clogged(50);
    const closed = once(sender, 'close').then(() => 'closed');
    const ready = new Promise((resolve) => writer.whenReady(() => resolve('ready')));
    expect(await Promise.race([closed, ready])).toBe('closed');
  });
});
