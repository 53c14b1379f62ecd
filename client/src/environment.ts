/**
 * The parts of a browser that the client uses if they exist. They are declared here because Node.js has only some of
 * them, and because a front end may have any version of the DOM's types.
 */

export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Web Locks. */
export interface LockManager {
  request<T>(name: string, options: { signal?: AbortSignal }, callback: () => Promise<T>): Promise<T>;
}

/** A BroadcastChannel. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  close(): void;
}

interface Environment {
  localStorage?: KeyValueStorage;
  navigator?: { locks?: LockManager };
  document?: { visibilityState: string };
  location?: { href: string };
  BroadcastChannel?: new (name: string) => Channel;
  addEventListener?: (type: string, listener: (event: { key?: string | null }) => void) => void;
  removeEventListener?: (type: string, listener: (event: { key?: string | null }) => void) => void;
}

const environment = (): Environment => globalThis as unknown as Environment;

/** Whether this is a page, not Node.js. */
export const isBrowser = (): boolean => environment().document !== undefined;

/** Returns localStorage, or null where there is none. Node.js has one that needs a file, so it is not used there. */
export function findLocalStorage(): KeyValueStorage | null {
  if (!isBrowser()) return null;
  try {
    return environment().localStorage ?? null;
  } catch {
    // The user has forbidden it.
    return null;
  }
}

export const findLocks = (): LockManager | null => environment().navigator?.locks ?? null;

export function openChannel(name: string): Channel | null {
  const { BroadcastChannel } = environment();
  return BroadcastChannel ? new BroadcastChannel(name) : null;
}

/** Listens to an event of the page. Returns a function that stops. Does nothing without a page. */
export function onPageEvent(type: string, listener: (event: { key?: string | null }) => void): () => void {
  const target = environment();
  target.addEventListener?.(type, listener);
  return () => target.removeEventListener?.(type, listener);
}

/** Returns the absolute address. A page may use one that is relative to its own. */
export const resolveUrl = (url: string): string => new URL(url, environment().location?.href).href;

/** Returns a UUID. Pages without TLS have no `crypto.randomUUID`. */
export function createId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
