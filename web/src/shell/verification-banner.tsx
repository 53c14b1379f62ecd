import { MeDocument, RequestEmailVerificationDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useEffect, useState } from 'react';
import { useText } from '../i18n/language.js';
import { CommandButton } from '../ui/command-button.js';
import { Icon } from '../ui/icon.js';
import { serverFacts } from './server-facts.js';

const { verification } = serverFacts;

/** Asks a user to verify the email, and sends the mail again. */
export function VerificationBanner() {
  const t = useText();
  const { session, user } = useSession();
  const [isSent, setSent] = useState(false);
  const [isHidden, setHidden] = useState(false);
  const isUnverified = verification !== 'off' && !!user?.email && !user.emailVerified;

  // The link may be opened on another device.
  useEffect(() => {
    if (!isUnverified) return;
    const check = () => {
      if (document.visibilityState === 'visible')
        session.request(MeDocument).then(
          ({ me }) => session.setUser(me),
          () => {},
        );
    };
    document.addEventListener('visibilitychange', check);
    return () => document.removeEventListener('visibilitychange', check);
  }, [isUnverified, session]);

  if (!isUnverified || isHidden) return null;
  const send = async () => {
    await session.request(RequestEmailVerificationDocument);
    setSent(true);
  };
  const text = verification === 'required' ? t.verificationRequired : t.verificationOptional;
  return (
    <section className="verification" aria-label={t.verifyEmailTitle}>
      <p>{text(user.email!)}</p>
      {isSent ? (
        <p role="status">{t.verificationSent}</p>
      ) : (
        <CommandButton className="button small" run={send}>
          {t.sendVerification}
        </CommandButton>
      )}
      {verification === 'optional' && (
        <button type="button" className="icon-button" title={t.close} onClick={() => setHidden(true)}>
          <Icon name="close" />
          <span className="visually-hidden">{t.close}</span>
        </button>
      )}
    </section>
  );
}
