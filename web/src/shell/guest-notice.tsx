import { useSession } from '@parley/client/react';
import { Link, useLocation } from 'wouter';
import { useText } from '../i18n/language.js';
import { serverFacts } from './server-facts.js';

/** Tells a guest how to keep the conversations. */
export function GuestNotice() {
  const t = useText();
  const { user } = useSession();
  const [path] = useLocation();
  if (user?.role !== 'GUEST') return null;
  const state = { from: path };
  return (
    <div className="guest-notice">
      <p>{t.guestText}</p>
      {serverFacts.registration && (
        <Link href="/sign-up" state={state} className="button small primary">
          {t.signUp}
        </Link>
      )}
      <Link href="/sign-in" state={state} className="button small">
        {t.signIn}
      </Link>
    </div>
  );
}
