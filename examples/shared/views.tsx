/** The markup of the example. It knows no GraphQL client: what it shows and calls are its properties. */
import { ParleyError, type MessagePartsFragment } from '@parley/client';
import { useActionState, type ReactNode } from 'react';

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

export function Conversation(props: {
  children: ReactNode;
  isMissing: boolean;
  last: MessagePartsFragment | undefined;
  error: unknown;
  ask: (question: string) => Promise<unknown>;
  stop: (answerId: string) => unknown;
  regenerate: (answerId: string) => unknown;
}) {
  const { children, isMissing, last, error, ask, stop, regenerate } = props;
  return (
    <main>
      {isMissing && <p>This conversation was deleted.</p>}
      {children}
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

export function Layout(props: {
  children: ReactNode;
  conversations: readonly { id: string; title: string | null }[];
  open: (id: string) => void;
  signOut: () => unknown;
}) {
  const { children, conversations, open, signOut } = props;
  return (
    <div className="chat">
      <nav>
        <button onClick={() => open('')}>New conversation</button>
        {conversations.map(({ id, title }) => (
          <button key={id} className="conversation" onClick={() => open(id)}>
            {title ?? 'Untitled'}
          </button>
        ))}
        <button onClick={signOut}>Sign out</button>
      </nav>
      {children}
    </div>
  );
}
