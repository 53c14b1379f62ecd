import type { Socket } from 'node:net';
import { CloseCode, MessageType, stringifyMessage, type Server } from 'graphql-ws';
import { WebSocket, type RawData } from 'ws';
import type { Logger } from '../../platform/telemetry/log.js';
import { hasTooManyValues } from '../../platform/json/too-many-values.js';
import { LARGE_MESSAGE_BYTES, type IncomingCounter } from '../connections/incoming-bytes.js';
import type { BackpressureWriter } from '../subscriptions/backpressure-writer.js';
import { readMessage } from './client-message.js';

/** The largest payload of a ping that is sent back; a pong without payload answers larger ones. */
const MAX_PONG_PAYLOAD_LENGTH = 1_024;

/** The largest message of a client that is not signed in: room for a registration. */
const MAX_ANONYMOUS_MESSAGE_BYTES = 64 * 1024;

/** How many heartbeats may pass without a byte from the client. */
const MAX_SILENT_HEARTBEATS = 2;

/** How long a client that is refused has to read the close code. */
const REFUSAL_TIMEOUT_MS = 1_000;

/** Close codes of the WebSocket protocol (RFC 6455, 7.4.1). */
const POLICY_VIOLATION = 1008;
const MESSAGE_TOO_BIG = 1009;

export interface SocketConnectionOptions {
  socket: WebSocket;
  /** The TCP connection. */
  tcp: Socket;
  writer: BackpressureWriter;
  incoming: IncomingCounter;
  /** Resolves when a large message may be handled. */
  takeTurn: () => Promise<void>;
  requestId: string;
  log: Logger;
}

/**
 * Connects a WebSocket to graphql-ws, and bounds what it costs: messages are read only while the client reads, and the
 * bytes of an incomplete message are counted.
 */
export class SocketConnection {
  /** Whether the client has authenticated. Others may send small messages only. */
  isSignedIn = false;
  #bytesRead = 0;
  #silentHeartbeats = 0;
  /** Resolves when the messages so far may be handled; null when none of them waits for its turn. */
  #turn: Promise<void> | null = null;

  constructor(private readonly options: SocketConnectionOptions) {}

  get socket(): WebSocket {
    return this.options.socket;
  }

  get writer(): BackpressureWriter {
    return this.options.writer;
  }

  /** Serves the WebSocket with graphql-ws until it closes. */
  serve<Extra>(server: Server<Extra>, extra: Extra): void {
    const { socket, tcp, incoming, requestId, log } = this.options;
    // Runs before the listener of ws, which resets the counter when the bytes complete a message.
    tcp.prependListener('data', (bytes: Buffer) => this.#count(bytes.length));
    socket.on('error', (error) => log.debug({ err: error, requestId }, 'WebSocket error.'));
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (message) => this.send(message),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) => socket.on('message', (data) => void this.#receive(data, handle)),
        onPing: (payload) => this.#pong(payload),
      },
      extra,
    );
    socket.once('close', (code, reason) => {
      incoming[Symbol.dispose]();
      closed(code, reason.toString()).catch((error: unknown) =>
        log.error({ err: error, requestId }, 'Could not close the operations of a WebSocket.'),
      );
    });
  }

  /** Sends a message, unless too much is unsent already. Resolves when the network has accepted it. */
  send(message: string): Promise<void> {
    return new Promise((resolve) => {
      if (!this.sendNow(message, () => resolve())) resolve();
    });
  }

  /** Sends a message, unless too much is unsent already; false when it is not sent. */
  sendNow(message: string, onSent?: () => void): boolean {
    const { socket, writer } = this.options;
    if (socket.readyState !== WebSocket.OPEN || !writer.admits()) return false;
    socket.send(message, onSent);
    return true;
  }

  /** Sends a ping. Closes the WebSocket when the client has been silent since the last pings although it has read them. */
  beat(): void {
    const { socket, tcp, writer } = this.options;
    if (socket.readyState !== WebSocket.OPEN) return;
    if (tcp.bytesRead !== this.#bytesRead) this.#silentHeartbeats = 0;
    // The writer closes the connection of a client that does not read.
    else if (writer.unsentBytes === 0) this.#silentHeartbeats += 1;
    if (this.#silentHeartbeats > MAX_SILENT_HEARTBEATS) return socket.terminate();
    this.#bytesRead = tcp.bytesRead;
    if (writer.isReady) socket.ping();
  }

  #count(bytes: number): void {
    const { incoming } = this.options;
    if (!incoming.add(bytes)) this.#refuse(POLICY_VIOLATION, 'Too many incomplete messages from your address');
    else if (!this.isSignedIn && incoming.bytes > MAX_ANONYMOUS_MESSAGE_BYTES) this.#refuseSize();
  }

  #refuseSize(): void {
    this.#refuse(MESSAGE_TOO_BIG, 'Sign in to send messages of this size');
  }

  /** Closes the WebSocket. Otherwise ws would keep what the client sends until it answers the closing handshake. */
  #refuse(code: number, reason: string): void {
    const { socket, tcp } = this.options;
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.close(code, reason);
    tcp.removeAllListeners('data');
    tcp.resume();
    const timer = setTimeout(() => socket.terminate(), REFUSAL_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  async #receive(data: RawData, handle: (message: string) => Promise<void>): Promise<void> {
    const { socket, incoming, requestId, log } = this.options;
    const bytes = data as Buffer;
    if (!this.isSignedIn && bytes.length > MAX_ANONYMOUS_MESSAGE_BYTES) return this.#refuseSize();
    if (bytes.length >= LARGE_MESSAGE_BYTES) this.#waitForTurn();
    if (this.#turn) await this.#turn;
    incoming.reset();
    if (socket.readyState !== WebSocket.OPEN) return;
    if (bytes.length >= LARGE_MESSAGE_BYTES && hasTooManyValues(bytes))
      return this.#refuse(MESSAGE_TOO_BIG, 'The message has too many values');
    this.#pauseUntilRead();
    try {
      await handle(readMessage(bytes.toString()));
    } catch (error) {
      // The message of graphql-ws for a type that only servers send.
      if (error instanceof Error && error.message.startsWith('Unexpected message of type'))
        return socket.close(CloseCode.BadRequest, 'Invalid message received');
      log.error({ err: error, requestId }, 'Unexpected error while handling a WebSocket message.');
      socket.close(CloseCode.InternalServerError, 'Internal server error');
    }
  }

  /** Stops reading until a large message has its turn. Messages that have been read already wait as well. */
  #waitForTurn(): void {
    const { socket, takeTurn } = this.options;
    socket.pause();
    const turn = (this.#turn ?? Promise.resolve()).then(takeTurn);
    this.#turn = turn;
    void turn.then(() => {
      if (this.#turn !== turn) return;
      this.#turn = null;
      this.#resumeWhenReady();
    });
  }

  /** Stops reading from a client that does not read. */
  #pauseUntilRead(): void {
    const { socket, writer } = this.options;
    if (writer.isReady || socket.isPaused) return;
    socket.pause();
    this.#resumeWhenReady();
  }

  #resumeWhenReady(): void {
    const { socket, writer } = this.options;
    if (writer.isReady) socket.resume();
    else writer.whenReady(() => socket.resume());
  }

  async #pong(payload: Record<string, unknown> | null | undefined): Promise<void> {
    const isSmall = payload && JSON.stringify(payload).length <= MAX_PONG_PAYLOAD_LENGTH;
    await this.send(stringifyMessage({ type: MessageType.Pong, ...(isSmall ? { payload } : {}) }));
    this.#pauseUntilRead();
  }
}
