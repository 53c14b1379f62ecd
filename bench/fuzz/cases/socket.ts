import { Received } from '../connection.js';
import { createDamagedOperation, createDamagedRequest, createOperation } from '../operations.js';
import type { Random } from '../random.js';
import { createObject, createText, createValue, mutate } from '../values.js';
import type { FuzzKind, World } from '../world.js';
import { createFrame, OPCODE, readFrames } from '../websocket.js';

/** Close codes that blame the server (graphql-transport-ws, RFC 6455). */
const SERVER_ERRORS = [4500, 1011];

const QUIET_MS = 120;

const TYPES = [
  'connection_init',
  'connection_ack',
  'ping',
  'pong',
  'subscribe',
  'next',
  'error',
  'complete',
  'x',
  '',
  '__proto__',
];

const TOKENS = ['{', '}', '"', ',', ':', 'null', '"type"', '"subscribe"', '"id":1', '\\u0000', '[', ']', '\0', '1e999'];

/** Sends frames and messages of graphql-transport-ws to a WebSocket. Where all of them are valid frames, it must respond. */
export const fuzzSocket: FuzzKind = async (random, world) => {
  using client = world.createClient(random);
  const socket = await client.connect();
  const received = new Received(socket, world.now);
  const protocol = random.chance(0.95) ? 'graphql-transport-ws' : random.pick(['graphql-ws', 'x', '']);
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  );
  const isOpen = await received.until((bytes) => bytes.includes('\r\n\r\n'), world.maxWaitMs);
  if (!isOpen) world.problems.push('no response to the handshake');
  let isWellFormed = random.chance(0.7);
  if (random.chance(0.9)) {
    const payload = random.chance(0.9) ? { authorization: `Bearer ${client.token}` } : createValue(random);
    socket.write(createFrame({ payload: JSON.stringify({ type: 'connection_init', payload }) }));
    if (random.chance(0.8)) await received.until((bytes) => bytes.includes('connection_ack'), 1_000);
  }
  for (const message of random.list(0, random.pick([3, 10, 40]), () => createMessage(random, world))) {
    if (isWellFormed) socket.write(createFrame({ payload: message }));
    else socket.write(createDamagedFrame(random, message));
    if (random.chance(0.2)) await new Promise(setImmediate);
  }
  let sentCode: number | null = null;
  if (random.chance(0.1)) {
    isWellFormed = false;
    const payload = createCloseBody(random);
    if (payload.length >= 2) sentCode = payload.readUInt16BE(0);
    socket.write(createFrame({ opcode: OPCODE.close, payload }));
  }
  await received.quiet(QUIET_MS);
  const { closeCode } = readFrames(received.bytes);
  if (isWellFormed && !received.isClosed && closeCode === null) {
    socket.write(createFrame({ payload: '{"type":"ping","payload":{"fuzz":"probe"}}' }));
    const hasPong = await received.until(
      (bytes) => bytes.includes('"probe"') || readFrames(bytes).closeCode !== null,
      world.maxWaitMs,
    );
    if (!hasPong && !received.isClosed) world.problems.push('no pong on an open WebSocket');
  }
  const frames = readFrames(received.bytes);
  // The answer to a close frame repeats its code (RFC 6455, 5.5.1).
  if (frames.closeCode !== null && frames.closeCode !== sentCode && SERVER_ERRORS.includes(frames.closeCode))
    world.problems.push(`close code ${frames.closeCode}`);
  world.checkText(frames.text);
};

function createMessage(random: Random, { ids }: World): string {
  const id = random.chance(0.9) ? String(random.int(0, 3)) : createValue(random, 1);
  const subscribe = (payload: unknown) => ({ id, type: 'subscribe', payload });
  const message = random.pick<() => unknown>([
    () => subscribe(createOperation(random, ids)),
    () => subscribe(createOperation(random, ids)),
    () => subscribe(createDamagedOperation(random, ids)),
    () => subscribe(createDamagedRequest(random, ids)),
    () => subscribe(createValue(random)),
    () => ({ id, type: 'complete' }),
    () => ({ type: random.pick(['ping', 'pong']), payload: random.chance(0.5) ? createObject(random) : createValue(random) }),
    () => ({ type: random.pick(TYPES), id: createValue(random, 1), payload: createValue(random) }),
    () => ({ ...createObject(random), type: random.pick(TYPES) }),
    () => createValue(random),
  ])(); // prettier-ignore
  const json = JSON.stringify(message) ?? '';
  return random.chance(0.1) ? mutate(random, json, TOKENS) : json;
}

function createDamagedFrame(random: Random, message: string): Buffer {
  if (random.chance(0.05)) return random.bytes(random.int(1, 200));
  return createFrame({
    payload: random.chance(0.1) ? random.bytes(random.int(0, 300)) : message,
    opcode: random.chance(0.7) ? OPCODE.text : random.int(0, 15),
    isFinal: random.chance(0.8),
    reserved: random.chance(0.9) ? 0 : random.int(1, 7),
    isMasked: random.chance(0.95),
    ...(random.chance(0.05) ? { length: random.pick([0, 1, 126, 65_536, 2 ** 31, 2 ** 53]) } : {}),
  });
}

function createCloseBody(random: Random): Buffer {
  const code = random.pick([1000, 1001, 1005, 1006, 1015, 2999, 3000, 4400, 4500, 4999, 0, 65_535]);
  const body = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(createText(random)).subarray(0, 120)]);
  return body.subarray(0, random.pick([0, 1, 2, body.length]));
}
