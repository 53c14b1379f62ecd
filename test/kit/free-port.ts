import { createServer, type AddressInfo } from 'node:net';

/** Returns a free port below the ephemeral range. The bus port of a Redis Cluster, 10,000 above, must be valid too. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve((probe.address() as AddressInfo).port === port));
    });
    if (probe.listening) await new Promise((resolve) => probe.close(resolve));
    if (isFree) return port;
  }
}
