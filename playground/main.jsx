import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './style.css';
import { GraphiQL } from 'graphiql';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { tabsToOpen } from './examples';
import { fetcher } from './fetcher';
import { getState, onChange, signOut } from './state';

function Answer({ answer }) {
  const output = useRef(null);
  useEffect(() => {
    output.current.scrollTop = output.current.scrollHeight;
  }, [answer]);
  return (
    <div className="parley-answer" hidden={!answer}>
      <label htmlFor="parley-answer">{answer?.status ? `The answer (${answer.status})` : 'The answer so far'}</label>
      <output id="parley-answer" ref={output}>
        {answer?.text}
      </output>
    </div>
  );
}

function Account({ account }) {
  if (!account) return <p id="parley-account">Not signed in. Run Register or Login: every tab then sends its token.</p>;
  const { email, accessTokenExpiresAt } = account;
  const until = accessTokenExpiresAt && new Date(accessTokenExpiresAt).toLocaleTimeString([], { timeStyle: 'short' });
  return (
    <p id="parley-account" title="A tab with an Authorization among its Headers sends that one instead.">
      Signed in{email && ' as '}
      <strong>{email}</strong>
      {until && ` until ${until}`}
      <button type="button" onClick={signOut} title="Forgets the token here">
        Sign out
      </button>
    </p>
  );
}

function Footer() {
  const { account, answer } = useSyncExternalStore(onChange, getState);
  return (
    <>
      <Answer answer={answer} />
      <Account account={account} />
    </>
  );
}

createRoot(document.getElementById('root')).render(
  <GraphiQL {...tabsToOpen()} fetcher={fetcher} defaultEditorToolsVisibility="variables" shouldPersistHeaders={false}>
    <GraphiQL.Logo>Parley</GraphiQL.Logo>
    <GraphiQL.Footer>
      <Footer />
    </GraphiQL.Footer>
  </GraphiQL>,
);
