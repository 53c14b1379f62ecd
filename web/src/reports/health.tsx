import { useText } from '../i18n/language.js';
import { Section } from '../ui/page.js';
import { useQuery } from '../ui/use-query.js';

/** The state of the server and of what it uses, from /readyz. */
export function HealthSection() {
  const t = useText();
  const { data, error } = useQuery('health', async () => {
    const response = await fetch('/readyz', { cache: 'no-store' });
    return (await response.json()) as Record<string, string>;
  });
  return (
    <Section title={t.health}>
      {error !== undefined && <p className="no-data">{t.healthStates['unavailable']}</p>}
      <dl className="health">
        {Object.entries(data ?? {}).map(([part, state]) => (
          <div key={part} data-good={state === 'unknown' ? undefined : /^(ready|ok|demo)$/.test(state)}>
            <dt>{t.healthParts[part] ?? part}</dt>
            <dd>{t.healthStates[state] ?? state}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
