import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';

/** A link to the tab of an operation. */
export function TabLink({ name }) {
  const { changeTab } = useGraphiQLActions();
  const tabs = useGraphiQL((state) => state.tabs);
  const index = tabs.findIndex(({ title }) => title === name);
  if (index < 0) return name;
  return (
    <button type="button" className="parley-link" onClick={() => changeTab(index)}>
      {name}
    </button>
  );
}

/** Explains what to do while the result is empty. */
export function Hint({ account }) {
  const { tabs, activeTabIndex, isFetching } = useGraphiQL(pick('tabs', 'activeTabIndex', 'isFetching'));
  const { title, response, query } = tabs[activeTabIndex];
  if (response) return null;
  return (
    <p className="parley-hint">
      {isFetching ? <Waiting query={query} /> : <HowToRun name={title} account={account} />}
    </p>
  );
}

const Waiting = ({ query }) =>
  /^\s*subscription\b/m.test(query ?? '')
    ? 'Listening. Each event appears here, and ■ stops it. To cause one, run Login and AskQuestion in a second window.'
    : 'Waiting for the server …';

/** Operations that do not need a session. */
const PUBLIC = ['Register', 'Login', 'Logout', 'RefreshTokens', 'EmailAvailable'];

function HowToRun({ name, account }) {
  if (account || PUBLIC.includes(name)) return 'Press ▶ to run this tab (Ctrl-Enter). The result appears here.';
  return (
    <>
      This needs a session. Run <TabLink name="Register" /> or <TabLink name="Login" /> first, then come back and press
      ▶.
    </>
  );
}
