/** WebSocket frames of a client (RFC 6455, 5.2), written by hand to send the same bytes many times and to leave messages incomplete. */

const TEXT = 1;
const CONTINUATION = 0;
const FINAL = 0x80;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** Creates a frame with a masking key of zeros, so that the payload stays as it is. */
export function createFrame(payload: Buffer | string, { isFirst = true, isFinal = true } = {}): Buffer {
  const bytes = Buffer.from(payload);
  const first = (isFinal ? FINAL : 0) | (isFirst ? TEXT : CONTINUATION);
  const key = Buffer.alloc(4);
  if (bytes.length < LENGTH_16) return Buffer.concat([Buffer.from([first, MASKED | bytes.length]), key, bytes]);
  if (bytes.length < 65_536) {
    const head = Buffer.from([first, MASKED | LENGTH_16, 0, 0]);
    head.writeUInt16BE(bytes.length, 2);
    return Buffer.concat([head, key, bytes]);
  }
  const head = Buffer.from([first, MASKED | LENGTH_64, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(bytes.length), 2);
  return Buffer.concat([head, key, bytes]);
}

/** Creates the frame of a message of graphql-transport-ws. */
export const createMessage = (message: object): Buffer => createFrame(JSON.stringify(message));

/** Creates the first part of a message that is never completed. */
export const createIncompleteFrame = (length: number): Buffer => {
  const whole = createFrame(Buffer.alloc(length, 'x'));
  return whole.subarray(0, whole.length - 1);
};
