/** Frames of WebSockets (RFC 6455, 5.2), valid or not, and what a server sends. */

export const OPCODE = { text: 1, close: 8 } as const;

/** Creates a frame of a client, with a masking key of zeros. @param frame.length another length than that of the payload */
export function createFrame({
  payload,
  opcode = OPCODE.text,
  isFinal = true,
  reserved = 0,
  isMasked = true,
  length,
}: {
  payload: string | Buffer;
  opcode?: number;
  isFinal?: boolean;
  reserved?: number;
  isMasked?: boolean;
  length?: number;
}): Buffer {
  const body = Buffer.from(payload as string);
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = isMasked ? 0x80 : 0;
  const size = length ?? body.length;
  const head =
    size < 126 ? Buffer.from([first, mask | size]) : Buffer.from([first, mask | (size < 65_536 ? 126 : 127)]);
  const more = size < 126 ? Buffer.alloc(0) : Buffer.alloc(size < 65_536 ? 2 : 8);
  if (more.length === 2) more.writeUInt16BE(size);
  if (more.length === 8) more.writeBigUInt64BE(BigInt(size));
  return Buffer.concat([head, more, Buffer.alloc(isMasked ? 4 : 0), body]);
}

/** Reads what a server has sent: its handshake, and its frames, which are not masked. */
export function readFrames(bytes: Buffer): { closeCode: number | null; text: string } {
  const end = bytes.indexOf('\r\n\r\n');
  const handshake = bytes.subarray(0, end < 0 ? bytes.length : end).toString('latin1');
  let [closeCode, text]: [number | null, string] = [null, `${handshake}\n`];
  if (end < 0 || !handshake.startsWith('HTTP/1.1 101')) return { closeCode, text: bytes.toString('latin1') };
  for (let at = end + 4; at + 2 <= bytes.length;) {
    const opcode = bytes[at]! & 15;
    let size = bytes[at + 1]! & 127;
    at += 2;
    if (size === 126 && at + 2 <= bytes.length) [size, at] = [bytes.readUInt16BE(at), at + 2];
    else if (size === 127 && at + 8 <= bytes.length) [size, at] = [Number(bytes.readBigUInt64BE(at)), at + 8];
    const payload = bytes.subarray(at, at + size);
    if (opcode === OPCODE.close && payload.length >= 2) closeCode = payload.readUInt16BE(0);
    else if (opcode === OPCODE.text) text += `${payload.toString()}\n`;
    at += size;
  }
  return { closeCode, text };
}
