import { LogoutAllDocument, SessionsDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { CommandButton } from '../ui/command-button.js';
import { ErrorText } from '../ui/error-text.js';
import { Section } from '../ui/page.js';
import { useFormat } from '../ui/use-format.js';
import { useQuery } from '../ui/use-query.js';
import { describeBrowser } from './describe-browser.js';

/** Where the user is signed in. */
export function SessionsSection() {
  const t = useText();
  const format = useFormat();
  const { session } = useSession();
  const { data, error } = useQuery('sessions', () => session.request(SessionsDocument, {}));
  const signOutEverywhere = async () => {
    await session.request(LogoutAllDocument, {});
    await session.signOut();
  };
  return (
    <Section title={t.sessions}>
      {error !== undefined && <ErrorText error={error} />}
      <ul className="rows">
        {data?.sessions.map(({ id, current, userAgent, lastUsedAt }) => (
          <li key={id}>
            <span>{describeBrowser(userAgent) ?? t.unknownBrowser}</span>
            {current ? <span className="tag">{t.thisSession}</span> : <span />}
            <small>{t.lastUsed(format.moment(lastUsedAt))}</small>
          </li>
        ))}
      </ul>
      <CommandButton className="button" icon="signOut" run={signOutEverywhere}>
        {t.signOutEverywhere}
      </CommandButton>
    </Section>
  );
}
