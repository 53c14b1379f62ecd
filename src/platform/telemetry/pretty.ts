import { PinoPretty } from 'pino-pretty';
import type { DestinationStream } from 'pino';

/** Writes human-readable lines, synchronously, so that no line is lost when the process exits. */
export function createPrettyStream(): DestinationStream {
  return PinoPretty({
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,event,address',
    singleLine: true,
  });
}
