import { lazy, Suspense } from 'react';
import { Link, Route, Switch } from 'wouter';
import { ChatPage } from './chat/chat-page.js';
import { useText } from './i18n/language.js';
import { Shell } from './shell/shell.js';

const AccountPage = lazy(() => import('./account/account-page.js'));
const ReportsPage = lazy(() => import('./reports/reports-page.js'));

/** The pages of a signed-in user. */
export default function SignedIn() {
  return (
    <Shell>
      <Suspense fallback={<main id="main" />}>
        <Switch>
          <Route path="/">
            <ChatPage id={null} />
          </Route>
          <Route path="/c/:id">{({ id }) => <ChatPage id={id} />}</Route>
          <Route path="/account">
            <AccountPage />
          </Route>
          <Route path="/reports">
            <ReportsPage />
          </Route>
          <Route>
            <NotFound />
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}

function NotFound() {
  const t = useText();
  return (
    <main id="main" className="blank">
      <h1>{t.notFoundTitle}</h1>
      <Link href="/" className="button primary">
        {t.goHome}
      </Link>
    </main>
  );
}
