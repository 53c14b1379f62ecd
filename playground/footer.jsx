import { useEffect, useRef, useSyncExternalStore } from 'react';
import { Hint, TabLink } from './hint';
import { useFewerRedMarks, useWordWrap } from './editors';
import { getState, onChange, signOut } from './state';

/** Shows the followed answer and the account below the result, and a hint while the result is empty. */
export function Footer() {
  const { account, answer } = useSyncExternalStore(onChange, getState);
  useWordWrap();
  useFewerRedMarks();
  return (
    <>
      <Hint account={account} />
      <Answer answer={answer} />
      <Account account={account} />
    </>
  );
}

function Answer({ answer }) {
  const output = useRef(null);
  useEffect(() => {
    output.current.scrollTop = output.current.scrollHeight;
  }, [answer]);
  return (
    <div className="parley-answer" hidden={!answer?.text}>
      <label htmlFor="parley-answer">{answer?.status ? `The answer (${answer.status})` : 'The answer so far'}</label>
      <output id="parley-answer" ref={output}>
        {answer?.text}
      </output>
    </div>
  );
}

function Account({ account }) {
  if (!account)
    return (
      <p id="parley-account">
        Not signed in. Run <TabLink name="Register" /> or <TabLink name="Login" />: every tab then sends the token.
      </p>
    );
  return (
    <p id="parley-account" title="A tab with an Authorization among its Headers sends that one instead.">
      <span>
        Signed in{account.email && ' as '}
        <strong>{account.email}</strong>
      </span>
      <button type="button" onClick={signOut} title="Forgets the tokens here">
        Sign out
      </button>
    </p>
  );
}
