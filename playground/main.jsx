import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './style.css';
import { GraphiQL } from 'graphiql';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { firstVariables, tabsToOpen } from './examples';
import { fetcher } from './fetcher';
import { getState, onChange, signOut } from './state';

function Answer({ answer }) {
  const output = useRef(null);
  useEffect(() => output.current.scrollTo({ top: output.current.scrollHeight }), [answer]);
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
  if (!account) return <p id="parley-account">Not signed in. Run Register or Login, and every tab is.</p>;
  const { email, accessTokenExpiresAt } = account;
  const until = accessTokenExpiresAt && new Date(accessTokenExpiresAt).toLocaleTimeString([], { timeStyle: 'short' });
  return (
    <p id="parley-account" title="A tab whose Headers hold an Authorization of their own sends that one.">
      Signed in{email && ' as '}
      <strong>{email}</strong>
      {until && ` until ${until}`}
      <button type="button" onClick={signOut}>
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

const initialVariables = firstVariables();

createRoot(document.getElementById('root')).render(
  <GraphiQL
    fetcher={fetcher}
    defaultTabs={tabsToOpen()}
    initialVariables={initialVariables}
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>Parley</GraphiQL.Logo>
    <GraphiQL.Footer>
      <Footer />
    </GraphiQL.Footer>
  </GraphiQL>,
);
