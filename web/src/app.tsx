import { useSession } from '@parley/client/react';
import { lazy, Suspense } from 'react';
import { Redirect, useLocation } from 'wouter';
import { useText } from './i18n/language.js';
import { serverFacts } from './shell/server-facts.js';
import { readOrigin } from './sign-in/origin.js';
import { SignInPage } from './sign-in/sign-in-page.js';

const SignedIn = lazy(() => import('./signed-in.js'));
const ForgotPasswordPage = lazy(() => import('./mail-links/forgot-password-page.js'));
const ResetPasswordPage = lazy(() => import('./mail-links/reset-password-page.js'));
const VerifyEmailPage = lazy(() => import('./mail-links/verify-email-page.js'));
const IdentityPage = lazy(() => import('./sign-in/identity-page.js'));

/** The pages for visitors and users: what a link leads to does not depend on who is signed in. */
const LINK_PAGES: Record<string, typeof ResetPasswordPage> = {
  '/forgot-password': ForgotPasswordPage,
  '/reset-password': ResetPasswordPage,
  '/verify-email': VerifyEmailPage,
  '/identity': IdentityPage,
};

/** The pages for visitors, and those for users, which are loaded after the sign-in. */
export function App() {
  const { user } = useSession();
  const [path] = useLocation();
  const LinkPage = LINK_PAGES[path];
  if (LinkPage)
    return (
      <Suspense fallback={<Opening />}>
        <LinkPage />
      </Suspense>
    );
  const isEntrance = path === '/sign-in' || path === '/sign-up';
  // A guest signs up or in to keep the conversations.
  if (!user || (isEntrance && user.role === 'GUEST'))
    return <SignInPage isNew={serverFacts.registration && (path === '/sign-up' || path === '/')} />;
  if (isEntrance) return <Redirect to={readOrigin()} replace />;
  return (
    <Suspense fallback={<Opening />}>
      <SignedIn />
    </Suspense>
  );
}

function Opening() {
  const t = useText();
  return (
    <div className="loading" role="status">
      <span className="spinner" />
      {t.loading}
    </div>
  );
}
