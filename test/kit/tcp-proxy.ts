import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A proxy between a server and its database, with which a test can interrupt the connection. */
export class TcpProxy implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #frozen = false;
  #stranded = new Set<Socket>();
  port = 0;

  private constructor(private readonly target: { host: string; port: number }) {}

  /** @param url the URL of the target */
  static async start(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    await proxy.open();
    return proxy;
  }

  /** Returns the URL with the address of the proxy. */
  through(url: string): string {
    const changed = new URL(url);
    changed.host = `127.0.0.1:${this.port}`;
    return changed.href;
  }

  async open(): Promise<void> {
    this.#server = createServer((near) => {
      const far = connect(this.target);
      for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
        this.#sockets.add(socket);
        socket.on('data', (bytes) => this.#frozen || this.#stranded.has(socket) || other.write(bytes));
        socket.on('error', () => {});
        socket.on('close', () => (this.#sockets.delete(socket), other.destroy()));
      }
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** Accepts connections but forwards nothing, like a frozen host. */
  freeze(frozen: boolean): void {
    this.#frozen = frozen;
  }

  /** Stops forwarding on the open connections, without closing them. New connections work. */
  strand(): void {
    this.#stranded = new Set(this.#sockets);
  }

  /** Closes all connections and refuses new ones, like a stopped server. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(server, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
