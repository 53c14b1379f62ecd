import { MySecurityEventsDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { Section } from '../ui/page.js';
import { useFormat } from '../ui/use-format.js';
import { useQuery } from '../ui/use-query.js';
import { describeBrowser } from './describe-browser.js';

const SHOWN = 8;

/** What happened to the security of the account lately. */
export function ActivitySection() {
  const t = useText();
  const format = useFormat();
  const { session } = useSession();
  const { data } = useQuery('activity', () => session.request(MySecurityEventsDocument, { first: SHOWN }));
  return (
    <Section title={t.activity}>
      <ul className="rows">
        {data?.mySecurityEvents.nodes.map(({ id, type, at, userAgent, address }) => (
          <li key={id}>
            <span>{t.activityTypes[type] ?? type}</span>
            <small>{format.moment(at)}</small>
            <small>{[describeBrowser(userAgent), address].filter(Boolean).join(' · ')}</small>
          </li>
        ))}
      </ul>
    </Section>
  );
}
