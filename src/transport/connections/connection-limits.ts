import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { RateLimitedError, UnavailableError, type ApiError } from '../../platform/errors/api-error.js';
import { toAddressKey } from '../http/request-origin.js';
import { OpenCounts } from './open-counts.js';

/** How long a refused connection may wait for its refusal, and the advice when to try again. */
const REFUSAL_TIMEOUT_MS = 5_000;
const RETRY_AFTER_SECONDS = 10;

/** Connections that are accepted beyond the maximum, to respond to them why they are refused. */
const MAX_REFUSED = 100;

export interface ConnectionLimitOptions {
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** The number of trusted proxies in front of the server. */
  trustProxy: number;
  readAddress: (request: IncomingMessage) => string;
}

/**
 * Limits the connections in all and per client address. Behind a proxy, whose connections carry the requests of many
 * clients, an address is counted for each of its WebSockets and requests in progress instead.
 */
export class ConnectionLimits {
  readonly #total: OpenCounts;
  readonly #byAddress: OpenCounts;
  readonly #refusals = new WeakMap<Socket, ApiError>();

  constructor(private readonly options: ConnectionLimitOptions) {
    this.#total = new OpenCounts(options.maxConnections);
    this.#byAddress = new OpenCounts(options.maxConnectionsPerAddress);
  }

  /** Counts the connections of a server from now on. */
  watch(server: Server): void {
    server.maxConnections = this.options.maxConnections + MAX_REFUSED;
    server.on('connection', (socket: Socket) => {
      const counted = this.#total.open();
      const address = this.options.trustProxy > 0 ? null : toAddressKey(socket.remoteAddress);
      const countedAddress = address === null ? null : this.#byAddress.open(address);
      socket.once('close', () => {
        counted?.[Symbol.dispose]();
        countedAddress?.[Symbol.dispose]();
      });
      if (!counted) this.#refuse(socket, new UnavailableError('The server has too many connections; try again later.'));
      else if (address !== null && !countedAddress) this.#refuse(socket, tooManyOfAddress());
    });
  }

  /** Counts a request or a WebSocket until `close` is emitted. Returns why it is refused, or null. */
  admit(
    request: IncomingMessage,
    exchange: { once: (event: 'close', listener: () => void) => unknown },
  ): ApiError | null {
    const refusal = this.#refusals.get(request.socket);
    if (refusal) return refusal;
    if (this.options.trustProxy === 0) return null;
    const counted = this.#byAddress.open(this.options.readAddress(request));
    if (!counted) return tooManyOfAddress();
    exchange.once('close', () => counted[Symbol.dispose]());
    return null;
  }

  /** Counts what is about to become a connection of an address until it is disposed of. @throws RateLimitedError */
  reserve(address: string): Disposable {
    const counted = this.#byAddress.open(address);
    if (!counted) throw tooManyOfAddress();
    return counted;
  }

  #refuse(socket: Socket, error: ApiError): void {
    this.#refusals.set(socket, error);
    const timer = setTimeout(() => socket.destroy(), REFUSAL_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(timer));
  }
}

const tooManyOfAddress = () =>
  new RateLimitedError(RETRY_AFTER_SECONDS, 'Too many connections from your network address.');
