/** The markup and the navigation of the example. It knows no GraphQL client: what it shows and calls are its properties. */
import { ParleyError, type MessagePartsFragment } from '@parley/client';
import {
  useActionState,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type ComponentType,
  type ReactNode,
} from 'react';

type Action = 'signIn' | 'register';
type SignInInput = { email: string; password: string };

export function SignIn({ submit }: { submit: (action: Action, input: SignInInput) => Promise<unknown> }) {
  const [{ email, error }, action] = useActionState(
    async (_before: { email: string; error: ParleyError | null }, form: FormData) => {
      const { action, ...input } = Object.fromEntries(form) as { action: Action } & SignInInput;
      const error = await submit(action, input).then(
        () => null,
        (thrown: unknown) => ParleyError.from(thrown),
      );
      return { email: input.email, error };
    },
    { email: '', error: null },
  );
  return (
    <form action={action}>
      <input name="email" aria-label="Email" autoComplete="email" defaultValue={email} />
      <input name="password" aria-label="Password" type="password" autoComplete="current-password" />
      <button name="action" value="signIn">
        Sign in
      </button>
      <button name="action" value="register">
        Create account
      </button>
      {error && <p role="alert">{[error.message, ...Object.values(error.fields)].join(' ')}</p>}
    </form>
  );
}

export function Message({ role, status, content, error, products, toolCalls, unverifiedClaims }: MessagePartsFragment) {
  const running = toolCalls.filter(({ state }) => state === 'RUNNING');
  return (
    <article>
      <p className={`message ${role.toLowerCase()}`} aria-busy={status === 'STREAMING'}>
        {content} {error && <em>{error.message}</em>}
      </p>
      {running.length > 0 && <p role="status">Looking up: {running.map(({ name }) => name).join(', ')}</p>}
      {products.map(({ id, product: { title, price, available } }) => (
        <aside key={id} className="product">
          {title} {price && `${price.amount} ${price.currency}`} {available ? 'Available' : 'Not available'}
        </aside>
      ))}
      {unverifiedClaims.length > 0 && (
        <p className="claims">Not confirmed: {unverifiedClaims.map(({ text }) => text).join(', ')}</p>
      )}
    </article>
  );
}

interface MessagePage {
  edges: readonly { node: MessagePartsFragment }[];
  pageInfo: { hasPreviousPage: boolean; startCursor: string | null };
}

export function Conversation(props: {
  /** Null if it was deleted. */
  conversation: { messages: MessagePage } | null | undefined;
  Message: ComponentType<{ id: string }>;
  error: unknown;
  loadEarlier: (before: string | null) => unknown;
  ask: (question: string) => Promise<unknown>;
  stop: (answerId: string) => unknown;
  regenerate: (answerId: string) => unknown;
}) {
  const { conversation, Message, error, loadEarlier, ask, stop, regenerate } = props;
  const { edges = [], pageInfo } = conversation?.messages ?? {};
  const last = edges.at(-1)?.node;
  return (
    <main>
      {/* Its style counts the scroll position from the end, so that it stays when earlier messages appear. */}
      <div className="messages">
        <div>
          {conversation === null && <p>This conversation was deleted.</p>}
          {pageInfo?.hasPreviousPage && (
            <More key={pageInfo.startCursor} load={() => loadEarlier(pageInfo.startCursor)}>
              Earlier messages
            </More>
          )}
          {edges.map(({ node: { id } }) => (
            <Message key={id} id={id} />
          ))}
        </div>
      </div>
      <form action={async (form) => void (await ask(form.get('question') as string))}>
        <input name="question" aria-label="Your message" autoComplete="off" />
        <button>Ask</button>
      </form>
      {last?.status === 'STREAMING' && <button onClick={() => stop(last.id)}>Stop</button>}
      {last && last.status !== 'STREAMING' && <button onClick={() => regenerate(last.id)}>Answer again</button>}
      {!!error && <p role="alert">{ParleyError.from(error).message}</p>}
    </main>
  );
}

interface ConversationPage {
  edges: readonly { node: { id: string; title: string | null } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

export function Layout(props: {
  children: ReactNode;
  conversations: ConversationPage | undefined;
  loadMore: (after: string | null) => unknown;
  search: (words: string) => void;
  open: (id: string) => void;
  signOut: () => unknown;
}) {
  const { children, conversations, loadMore, search, open, signOut } = props;
  const { edges = [], pageInfo } = conversations ?? {};
  const leave = () => {
    open('');
    signOut();
  };
  return (
    <div className="chat">
      <nav>
        <button onClick={() => open('')}>New conversation</button>
        <input type="search" aria-label="Search" onChange={({ target }) => search(target.value)} />
        <div className="conversations">
          {edges.map(({ node: { id, title } }) => (
            <button key={id} className="conversation" onClick={() => open(id)}>
              {title ?? 'Untitled'}
            </button>
          ))}
          {pageInfo?.hasNextPage && (
            <More key={pageInfo.endCursor} load={() => loadMore(pageInfo.endCursor)}>
              More conversations
            </More>
          )}
        </div>
        <button onClick={leave}>Sign out</button>
      </nav>
      {children}
    </div>
  );
}

/** Loads more when it is scrolled into view, and when it is clicked. */
function More({ load, children }: { load: () => unknown; children: ReactNode }) {
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) load();
    });
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <button ref={ref} onClick={load}>
      {children}
    </button>
  );
}

/** The conversation that is open, whose id is kept in the address, and what is searched for. */
export function useNavigation() {
  const id = useSyncExternalStore(onHashChange, () => location.hash.slice(1));
  const [search, setSearch] = useState('');
  return { id, open: (id: string) => void (location.hash = id), search, setSearch };
}

function onHashChange(listener: () => void) {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
