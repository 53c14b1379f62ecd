import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Configuration } from '../../platform/config/configuration.js';
import { ConnectionLimits } from './connection-limits.js';
import { ConnectionWriters } from './connection-writers.js';
import { IncomingBytes } from './incoming-bytes.js';
import { OperationLimits } from './operation-limits.js';

/** How long a client has to send the headers of a request, and the whole request. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** The limits that all transports share, whatever a connection is used for. */
export class TransportLimits implements Disposable {
  readonly connections: ConnectionLimits;
  readonly incoming: IncomingBytes;
  readonly operations: OperationLimits;
  readonly writers: ConnectionWriters;

  constructor(
    { limits, http }: Pick<Configuration, 'limits' | 'http'>,
    readonly readAddress: (request: IncomingMessage) => string,
  ) {
    this.connections = new ConnectionLimits({
      maxConnections: limits.connections,
      maxConnectionsPerAddress: limits.connectionsPerAddress,
      trustProxy: http.trustProxy,
      readAddress,
    });
    this.incoming = new IncomingBytes(limits.incomingBytesPerAddress);
    this.writers = new ConnectionWriters({ maxUnsentBytes: limits.unsentBytes, stallTimeoutMs: limits.unsentTimeout });
    this.operations = new OperationLimits({
      memory: new IncomingBytes(limits.incomingBytesPerAddress),
      maxPerConnection: limits.subscriptionsPerConnection,
      maxSubscriptionsPerUser: limits.subscriptionsPerUser,
      beforeOperation: () => this.writers.relieve(),
    });
  }

  /** Applies the limits to the connections of a server. */
  watch(server: Server): void {
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    this.connections.watch(server);
    server.on('connection', (socket: Socket) => void this.writers.get(socket));
  }

  [Symbol.dispose](): void {
    this.writers[Symbol.dispose]();
  }
}
