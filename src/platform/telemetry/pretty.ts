import { PinoPretty } from 'pino-pretty';
import type { DestinationStream } from 'pino';

/** Synchronous, so that nothing is lost when the process ends. */
export function pretty(): DestinationStream {
  return PinoPretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' });
}
