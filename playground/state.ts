/** Placeholders that may stand in the variables for what was asked for last. */
export const LAST_ANSWER = 'the last answer';
export const LAST_CONVERSATION = 'the last conversation';

interface Account {
  email?: string;
  accessToken: string;
  accessTokenExpiresAt?: string;
}

interface State {
  /** Who is signed in, in every tab that sends no Authorization header of its own. */
  account: Account | null;
  /** The ids that the placeholders stand for. */
  last: Record<string, string | undefined>;
  /** The answer that is or was followed; its text begins at `start`. */
  answer: { text: string; start?: number; status?: string } | null;
}

const STORED = 'parley:session';
const signedOut: State = { account: null, last: {}, answer: null };

// Until the browser's tab is closed.
let state: State = { ...signedOut, ...JSON.parse(sessionStorage.getItem(STORED) ?? '{}') };
const listeners = new Set<() => void>();

export const getState = (): State => state;

export function onChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(changes: Partial<State>): void {
  state = { ...state, ...changes };
  sessionStorage.setItem(STORED, JSON.stringify({ account: state.account, last: state.last }));
  listeners.forEach((listener) => listener());
}

export const signOut = (): void => change(signedOut);

type Data = Record<string, any> | null | undefined;

/** Takes from a response what later requests can use: a token, and the ids of what was asked. */
export function noteResponse(data: Data): void {
  for (const payload of Object.values(data ?? {})) {
    if (payload?.accessToken) {
      const { accessToken, accessTokenExpiresAt, user } = payload;
      change({ account: { accessToken, accessTokenExpiresAt, email: user?.email } });
    }
    if (payload?.answer?.id) {
      const last: State['last'] = { ...state.last, [LAST_ANSWER]: payload.answer.id };
      if (payload.conversation?.id) last[LAST_CONVERSATION] = payload.conversation.id;
      change({ last, answer: null });
    }
  }
}

export const noteSubscription = (): void => change({ answer: { text: '' } });

/** Puts an answer's pieces together, since GraphiQL shows the newest event only. */
export function noteEvent(data: Data): void {
  const [event] = Object.values(data ?? {});
  if (typeof event?.text === 'string' && typeof event.offset === 'number') {
    const { text = '', start = event.offset } = state.answer ?? {};
    change({ answer: { start, text: text.slice(0, event.offset - start) + event.text } });
  } else if (typeof event?.answer?.content === 'string') {
    change({ answer: { text: event.answer.content, status: event.answer.status ?? 'FINISHED' } });
  }
}
