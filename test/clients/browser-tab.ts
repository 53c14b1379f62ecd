import { createChat, type ChatOptions } from '../../client/src/chat/chat.js';
import type { KeyValueStorage } from '../../client/src/environment.js';
import type { Fetch } from '../../client/src/session/post.js';
import { createSession } from '../../client/src/session/session.js';
import { MemoryStorage } from '../../client/src/session/stored-tokens.js';
import type { Observable } from '../../client/src/store.js';

/** What a tab of a browser has: a session and a chat. Tabs that share a storage belong to one origin. */
export class Tab implements Disposable {
  readonly session;
  readonly chat;

  constructor(
    url: string,
    readonly storage: KeyValueStorage = new MemoryStorage(),
    options: ChatOptions & { fetch?: Fetch } = {},
  ) {
    this.session = createSession({ url: `${url}/graphql`, storage, fetch: options.fetch });
    this.chat = createChat(this.session, { storage, ...options });
  }

  [Symbol.dispose](): void {
    this.chat[Symbol.dispose]();
    this.session[Symbol.dispose]();
  }
}

/** Observes a store until a snapshot satisfies the condition. */
export async function observe<T>(
  store: Observable<T>,
  isMet: (snapshot: T) => boolean,
  signal?: AbortSignal,
): Promise<T> {
  const met = Promise.withResolvers<T>();
  const check = () => {
    if (isMet(store.getSnapshot())) met.resolve(store.getSnapshot());
  };
  const unsubscribe = store.subscribe(check);
  const timeout = AbortSignal.any([AbortSignal.timeout(60_000), ...(signal ? [signal] : [])]);
  const fail = () => met.reject(new Error(`The last snapshot was ${JSON.stringify(store.getSnapshot())}`));
  timeout.addEventListener('abort', fail);
  check();
  try {
    return await met.promise;
  } finally {
    unsubscribe();
    timeout.removeEventListener('abort', fail);
  }
}
