import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';

/** Executions of statements in the protocol of PostgreSQL: a simple query, or an execution of a prepared one. */
const STATEMENT_TYPES = new Set(['Q', 'E'].map((type) => type.charCodeAt(0)));

/** Between a client and PostgreSQL. Counts statements and bytes. */
export class CountingProxy implements Disposable {
  readonly counts = { statements: 0, bytes: 0 };

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    readonly url: string,
  ) {}

  static async start(databaseUrl: string): Promise<CountingProxy> {
    const target = new URL(databaseUrl);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(databaseUrl);
    url.port = String((server.address() as AddressInfo).port);
    const proxy = new CountingProxy(server, url.href);
    server.on('connection', (client) => {
      const upstream = connect(Number(target.port), target.hostname);
      const scan = createScanner((type) => (proxy.counts.statements += Number(STATEMENT_TYPES.has(type))));
      const count = (bytes: Buffer) => (proxy.counts.bytes += bytes.length);
      client.on('data', scan).on('data', count).pipe(upstream);
      upstream.on('data', count).pipe(client);
      for (const socket of [client, upstream]) socket.on('error', () => (client.destroy(), upstream.destroy()));
    });
    return proxy;
  }

  [Symbol.dispose](): void {
    this.server.close();
  }
}

/** Finds the messages of a client: a type of one byte and a length of four. Only the first message has no type. */
function createScanner(onMessage: (type: number) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  let isStarted = false;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const typeLength = isStarted ? 1 : 0;
      if (rest.length < typeLength + 4) return;
      const end = typeLength + rest.readInt32BE(typeLength);
      if (rest.length < end) return;
      if (isStarted) onMessage(rest[0]!);
      isStarted = true;
      rest = rest.subarray(end);
    }
  };
}
