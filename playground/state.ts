import { LAST_ANSWER, LAST_CONVERSATION, YOUR_EMAIL, YOUR_REFRESH_TOKEN } from './placeholders';

export interface Account {
  email?: string;
  accessToken: string;
  accessTokenExpiresAt?: string;
  refreshToken?: string;
}

interface State {
  /** The signed-in account. Tabs with an Authorization header of their own do not use it. */
  account: Account | null;
  /** The values of placeholders. */
  known: Record<string, string | undefined>;
  /** The last followed answer. Its text begins at offset `start`. */
  answer: { id: unknown; text: string; start: number; status?: string } | null;
}

type Data = Record<string, any> | null | undefined;

/** Stored until the browser tab is closed. */
const SESSION = 'parley:session';
/** Stored for the next visit. */
const EMAIL = 'parley:email';

let state: State = {
  account: null,
  known: { [YOUR_EMAIL]: localStorage.getItem(EMAIL) ?? undefined },
  answer: null,
  ...JSON.parse(sessionStorage.getItem(SESSION) ?? '{}'),
};
const listeners = new Set<() => void>();

export const getState = (): State => state;

export function onChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(changes: Partial<State>): void {
  state = { ...state, ...changes };
  sessionStorage.setItem(SESSION, JSON.stringify({ account: state.account, known: state.known }));
  listeners.forEach((listener) => listener());
}

export const remember = (known: State['known']): void => change({ known: { ...state.known, ...known } });

export const signOut = (): void => change({ account: null, answer: null });

const forgetConversations = (): void => remember({ [LAST_ANSWER]: undefined, [LAST_CONVERSATION]: undefined });

function signIn(account: Account): void {
  const { email, refreshToken } = account;
  if (email !== state.known[YOUR_EMAIL]) forgetConversations();
  if (email) localStorage.setItem(EMAIL, email);
  remember({ [YOUR_EMAIL]: email, [YOUR_REFRESH_TOKEN]: refreshToken });
  change({ account });
}

/** Stores what later requests use from a result: tokens, and the ids of the last question. */
export function noteResult(data: Data, variables: Data): void {
  for (const payload of Object.values(data ?? {})) {
    if (payload?.accessToken) {
      const { accessToken, accessTokenExpiresAt, refreshToken, user } = payload;
      signIn({ accessToken, accessTokenExpiresAt, refreshToken, email: user?.email ?? state.account?.email });
    }
    if (payload?.answer?.id) {
      remember({
        [LAST_ANSWER]: payload.answer.id,
        [LAST_CONVERSATION]: payload.conversation?.id ?? state.known[LAST_CONVERSATION],
      });
      change({ answer: null });
    }
  }
  if (data?.['deleteConversation']) forgetConversations();
  if (data?.['logoutAll'] !== undefined) signOut();
  if (data?.['logout'] && variables?.['input']?.refreshToken === state.account?.refreshToken) signOut();
  if (data?.['deleteAccount']) {
    localStorage.removeItem(EMAIL);
    change({ account: null, known: {}, answer: null });
  }
}

/** Appends a delta to the text of its answer. @param id the answer's id, if the variables contain it */
export function noteEvent(data: Data, id: unknown): void {
  const [event] = Object.values(data ?? {});
  if (event?.__typename === 'ReasoningDelta') return;
  if (typeof event?.text === 'string' && typeof event.offset === 'number') {
    const offset: number = event.offset;
    const begun = state.answer;
    const { text, start } = begun && begun.id === id && begun.start <= offset ? begun : { text: '', start: offset };
    change({ answer: { id, start, text: text.slice(0, offset - start) + event.text } });
  } else if (typeof event?.answer?.content === 'string') {
    const { content, status = 'FINISHED' } = event.answer;
    change({ answer: { id, start: 0, text: content, status } });
  }
}
