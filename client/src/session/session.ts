import {
  findLocalStorage,
  findLocks,
  isBrowser,
  onPageEvent,
  resolveUrl,
  type KeyValueStorage,
} from '../environment.js';
import {
  ExchangeIdentityTokenDocument,
  LoginDocument,
  LogoutDocument,
  RefreshTokensDocument,
  RegisterDocument,
  StartGuestSessionDocument,
  type AccountFragment,
  type ExchangeIdentityTokenInput,
  type LoginInput,
  type RegisterInput,
  type TokensFragment,
} from '../generated/graphql.js';
import { ParleyError } from '../parley-error.js';
import { Store, type Observable } from '../store.js';
import type { TypedDocumentNode } from '../typed-document-node.js';
import { QueueLock, WebLock, type Lock } from './lock.js';
import { post, type Fetch } from './post.js';
import { MemoryStorage, TokenStorage, toStoredTokens, type StoredTokens } from './stored-tokens.js';

export interface SessionOptions {
  /** The address of the API, such as `https://chat.example.com/graphql`. In a page it may be relative: `/graphql`. */
  url: string;
  /** Where the tokens are kept. Default: `localStorage`, or memory where there is none. */
  storage?: KeyValueStorage;
  /** Default: the global `fetch`. */
  fetch?: Fetch;
}

export interface SessionSnapshot {
  /** Who is signed in, or null. */
  readonly user: AccountFragment | null;
}

export interface RequestOptions {
  signal?: AbortSignal;
}

/** A valid token is renewed this long before it expires, or in the last fifth of its life if that is shorter. */
const RENEWAL_MARGIN_MS = 10_000;

/**
 * Who is signed in, and with which tokens. All tabs of an origin share the tokens, so each change is made under a lock
 * that excludes the other tabs, and begins with reading what another tab may have stored.
 */
export class Session implements Observable<SessionSnapshot>, Disposable {
  readonly url: string;
  readonly #fetch: Fetch;
  readonly #tokens: TokenStorage;
  readonly #lock: Lock;
  readonly #store: Store<SessionSnapshot>;
  readonly #stopListening: () => void;
  /** The refresh that callers share. */
  #refreshing: Promise<string | null> | null = null;
  /** An access token that the server has refused before it expired. */
  #refused: string | null = null;

  constructor({ url, storage, fetch: customFetch }: SessionOptions) {
    this.url = resolveUrl(url);
    this.#fetch = customFetch ?? ((address, init) => fetch(address, init));
    const shared = storage ?? findLocalStorage();
    this.#tokens = new TokenStorage(shared ?? new MemoryStorage(), `parley:${this.url}`);
    const locks = shared && findLocks();
    this.#lock = locks ? new WebLock(locks, this.key) : new QueueLock();
    this.#store = new Store<SessionSnapshot>({ user: this.#tokens.read()?.user ?? null });
    this.#stopListening = isBrowser()
      ? onPageEvent('storage', ({ key }) => {
          // Null: everything was cleared.
          if (key === null || key === this.key) this.#publish();
        })
      : () => {};
  }

  /** The name under which the tokens are stored. */
  get key(): string {
    return this.#tokens.key;
  }

  /** Who is signed in, or null. */
  get user(): AccountFragment | null {
    return this.#store.value.user;
  }

  getSnapshot = (): SessionSnapshot => this.#store.value;

  subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  /**
   * Starts a session without an account. When the guest registers or signs in later, its conversations move to the
   * account, and answers in progress continue.
   * @throws ParleyError FORBIDDEN if the server admits no guests
   */
  async startGuest(): Promise<AccountFragment> {
    const { startGuestSession } = await this.#send(StartGuestSessionDocument, {}, null);
    return this.adopt(startGuestSession);
  }

  /** Creates an account and signs in. @throws ParleyError such as EMAIL_TAKEN, or BAD_USER_INPUT with `fields` */
  register(input: RegisterInput): Promise<AccountFragment> {
    return this.#begin(input, async (all) => (await this.#send(RegisterDocument, { input: all }, null)).register);
  }

  /** Signs in. @throws ParleyError UNAUTHENTICATED if the email or the password is wrong */
  signIn(input: LoginInput): Promise<AccountFragment> {
    return this.#begin(input, async (all) => (await this.#send(LoginDocument, { input: all }, null)).login);
  }

  /**
   * Signs in with an ID token of the operator's own login.
   * @throws ParleyError UNAUTHENTICATED if the token is not valid, FORBIDDEN if registration is closed
   */
  exchangeIdentityToken(input: ExchangeIdentityTokenInput): Promise<AccountFragment> {
    return this.#begin(
      input,
      async (all) => (await this.#send(ExchangeIdentityTokenDocument, { input: all }, null)).exchangeIdentityToken,
    );
  }

  /** Whether this session has claimed the conversations of a guest. */
  hasClaimed(guestId: string): boolean {
    return this.#tokens.read()?.guestId === guestId;
  }

  /** Ends the session in all tabs. The tokens are dropped even if the server cannot be reached. */
  async signOut(): Promise<void> {
    const tokens = await this.#lock.run(async () => {
      const stored = this.#tokens.read();
      this.#write(null);
      return stored;
    });
    if (!tokens) return;
    const input = { refreshToken: tokens.refreshToken };
    // Without the server, its session ends when the refresh token expires.
    await this.#send(LogoutDocument, { input }, null).catch(() => {});
  }

  /** Uses tokens that an operation returned, such as `changePassword`. */
  async adopt(tokens: TokensFragment): Promise<AccountFragment> {
    await this.#lock.run(async () => this.#write(toStoredTokens(tokens)));
    return tokens.user;
  }

  /** Stores the account that an operation returned, such as `updateProfile`. */
  async setUser(user: AccountFragment): Promise<void> {
    await this.#lock.run(async () => {
      const stored = this.#tokens.read();
      if (stored?.user.id === user.id) this.#write({ ...stored, user });
    });
  }

  /**
   * Returns a valid access token, or null if the user is not signed in. Renews it before it expires.
   * @throws ParleyError NETWORK_ERROR and others if it cannot be renewed now; the session is kept
   */
  async token(): Promise<string | null> {
    const stored = this.#tokens.read();
    if (!stored || this.#isUsable(stored)) return stored?.accessToken ?? null;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  /** Reports that the server has refused an access token, so that `token()` renews it. */
  refuse(accessToken: string): void {
    this.#refused = accessToken;
  }

  /** Sends a query or a mutation. Renews a token that the server refuses, and sends it again. @throws ParleyError */
  async request<TResult, TVariables>(
    document: TypedDocumentNode<TResult, TVariables>,
    variables?: TVariables,
    { signal }: RequestOptions = {},
  ): Promise<TResult> {
    const accessToken = await this.token();
    try {
      return await this.#send(document, variables, accessToken, signal);
    } catch (error) {
      if (!accessToken || !isRefusal(error)) throw error;
      this.refuse(accessToken);
      const renewed = await this.token();
      if (!renewed || renewed === accessToken) throw error;
      return await this.#send(document, variables, renewed, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#stopListening();
  }

  /**
   * Starts the session of an account, and claims the guest who is signed in. Under the lock, so that no tab renews the
   * token of the guest meanwhile. A lost response is harmless: the same request can be sent again.
   */
  #begin<TInput extends { claim?: string | null }>(
    input: TInput,
    send: (input: TInput) => Promise<TokensFragment>,
  ): Promise<AccountFragment> {
    return this.#lock.run(async () => {
      const stored = this.#tokens.read();
      let guest = stored?.user.role === 'GUEST' && input.claim == null ? stored : null;
      const tokens = await send(guest ? { ...input, claim: guest.refreshToken } : input).catch((error: unknown) => {
        if (!guest || !isRefusedClaim(error)) throw error;
        // The guest is gone, and its conversations with it.
        guest = null;
        return send(input);
      });
      this.#write({ ...toStoredTokens(tokens), guestId: guest?.user.id });
      return tokens.user;
    });
  }

  async #refresh(): Promise<string | null> {
    return this.#lock.run(async () => {
      const stored = this.#tokens.read();
      // Another tab has renewed it, or signed out, while this one waited.
      if (!stored || this.#isUsable(stored)) {
        this.#publish();
        return stored?.accessToken ?? null;
      }
      try {
        const input = { refreshToken: stored.refreshToken };
        const { refreshTokens } = await this.#send(RefreshTokensDocument, { input }, null);
        this.#write({ ...toStoredTokens(refreshTokens), guestId: stored.guestId });
        return refreshTokens.accessToken;
      } catch (error) {
        if (error instanceof ParleyError && error.code === 'UNAUTHENTICATED') {
          this.#write(null);
          return null;
        }
        if (stored.accessToken !== this.#refused && stored.expiresAt > Date.now()) return stored.accessToken;
        throw error;
      }
    });
  }

  #isUsable({ accessToken, expiresAt, lifetimeMs }: StoredTokens): boolean {
    const margin = Math.min(RENEWAL_MARGIN_MS, lifetimeMs / 5);
    return accessToken !== this.#refused && expiresAt - margin > Date.now();
  }

  #send<TResult, TVariables>(
    document: TypedDocumentNode<TResult, TVariables>,
    variables: TVariables | undefined,
    accessToken: string | null,
    signal?: AbortSignal,
  ): Promise<TResult> {
    return post(this.#fetch, this.url, document, variables, accessToken, signal);
  }

  #write(tokens: StoredTokens | null): void {
    this.#tokens.write(tokens);
    this.#publish();
  }

  #publish(): void {
    const user = this.#tokens.read()?.user ?? null;
    if (JSON.stringify(user) !== JSON.stringify(this.user)) this.#store.set({ user });
  }
}

export const createSession = (options: SessionOptions): Session => new Session(options);

/** Whether the token was refused. A wrong password has the same code, and names its field. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ParleyError && error.code === 'UNAUTHENTICATED' && Object.keys(error.fields).length === 0;

const isRefusedClaim = (error: unknown): boolean =>
  error instanceof ParleyError && error.code === 'UNAUTHENTICATED' && 'claim' in error.fields;
