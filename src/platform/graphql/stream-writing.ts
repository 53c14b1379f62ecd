import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Response as Answer } from 'graphql-sse';
import { PATIENCE, progressOf } from './outlet.js';

/** How often one that is not read is looked at again, in milliseconds. */
const POLL = 20;

/** Whether it still takes events. */
export const isOpen = (response: ServerResponse): boolean => !response.destroyed && !response.writableEnded;

/** Sends the answer as fast as it is taken, and waits until the response has closed. */
export async function respond(response: ServerResponse, answer: Answer): Promise<void> {
  const [body, { status, statusText, headers }] = answer;
  if (response.destroyed) return await abandoned(body);
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  response.writeHead(status, statusText, headers);
  if (!body || typeof body === 'string') {
    response.end(body ?? undefined);
    return await closed;
  }
  void closed.then(() => body.return(undefined));
  for await (const event of body) {
    if (!isOpen(response)) break;
    await written(response, event);
  }
  response.end();
  await closed;
}

/** Ends what nobody is going to read. */
export async function abandoned(body: Answer[0]): Promise<void> {
  if (body && typeof body !== 'string') await body.return(undefined);
}

/** Writes, and waits until the network has taken it, or the reader is gone. */
function written(response: ServerResponse, event: string): Promise<void> {
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
  let progress: string | null = null;
  for (let waited = 0; ; waited += POLL) {
    const response = target();
    if (response?.destroyed || (response?.headersSent && response.writableLength === 0)) return response;
    const now = response && progressOf(response);
    if (now !== progress) waited = 0;
    progress = now;
    if (waited >= PATIENCE) return response?.destroy() ?? null;
    await sleep(POLL);
  }
}
