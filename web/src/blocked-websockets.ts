import type { Chat } from '@parley/client';

/** A network that changes lets a few attempts fail. */
const MAX_FAILURES = 3;

/**
 * Calls back if no WebSocket can be opened although the server answers requests: some networks and proxies let no
 * WebSocket through. Returns a function that stops watching.
 */
export function onBlockedWebSockets(chat: Chat, callback: () => void): () => void {
  let failures = 0;
  const stop = chat.subscribe(() => {
    const { connection } = chat.getSnapshot();
    // WebSockets that have worked once are not blocked.
    if (connection === 'ONLINE') stop();
    if (connection === 'OFFLINE') void countFailure();
  });
  const countFailure = async () => {
    const isServerReady = await fetch('/readyz', { cache: 'no-store' }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!isServerReady || chat.getSnapshot().connection === 'ONLINE') return;
    failures += 1;
    if (failures !== MAX_FAILURES) return;
    stop();
    callback();
  };
  return stop;
}
