import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from './outlet.js';

/** How often one that is not read is looked at again, in milliseconds. */
const POLL = 20;

/** Whether it still takes events. */
export const isOpen = (response: ServerResponse): boolean => !response.destroyed && !response.writableEnded;

/** Writes, and waits until the network has taken it, or the reader is gone. */
export function written(response: ServerResponse, event: string): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.write(event, () => {
      response.off('close', resolve);
      resolve();
    });
  });
}

/**
 * Waits until the response is open and everything written so far has left. A reader that takes nothing for too long is
 * cut; null where there is none to wait for.
 */
export async function flushed(target: () => ServerResponse | null): Promise<ServerResponse | null> {
  await new Promise(setImmediate);
  for (let waited = 0; ; waited += POLL) {
    const response = target();
    if (response?.destroyed || (response?.headersSent && response.writableLength === 0)) return response;
    if (waited >= PATIENCE) return response?.destroy() ?? null;
    await sleep(POLL);
  }
}
