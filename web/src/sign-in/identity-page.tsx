import { ParleyError, type Session } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useText } from '../i18n/language.js';
import { serverFacts } from '../shell/server-facts.js';
import { ErrorText } from '../ui/error-text.js';
import { Notice } from '../ui/notice.js';
import { Entrance } from './entrance.js';
import { finishIdentitySignIn } from './identity-sign-in.js';

/** The code in the address works once, and effects run twice in development. */
let signingIn: Promise<string> | null = null;

/** Signs in with what the identity provider has returned. Resolves with where the user continues. */
async function signIn(session: Session): Promise<string> {
  const query = new URLSearchParams(location.search);
  // The code is neither shown nor kept.
  history.replaceState(history.state, '', location.pathname);
  const { token, from } = await finishIdentitySignIn(serverFacts.identity!, query);
  await session.exchangeIdentityToken({ token });
  return from;
}

/** Where the identity provider returns to. */
export default function IdentityPage() {
  const t = useText();
  const { session } = useSession();
  const [, navigate] = useLocation();
  const [error, setError] = useState<unknown>(undefined);
  useEffect(() => {
    signingIn ??= signIn(session);
    const current = signingIn;
    current
      .then((from) => navigate(from, { replace: true }), setError)
      .finally(() => {
        if (signingIn === current) signingIn = null;
      });
  }, [session, navigate]);
  return (
    <Entrance title={t.signInTitle}>
      {error === undefined ? (
        <p role="status">{t.loading}</p>
      ) : error instanceof ParleyError ? (
        <ErrorText error={error} />
      ) : (
        <Notice>{t.identityFailed}</Notice>
      )}
      <p className="entrance-other">
        <Link href="/sign-in">{t.backToSignIn}</Link>
      </p>
    </Entrance>
  );
}
