import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { serverFacts } from '../shell/server-facts.js';

/** What is shown before the first question. */
export function Greeting({ onChoose }: { onChoose: (question: string) => void }) {
  const t = useText();
  const { user } = useSession();
  // The demo model knows the commands.
  const examples = [
    { label: t.suggestionTent, question: t.suggestionTent },
    { label: t.suggestionMarkdown, question: '/markdown' },
    { label: t.suggestionThink, question: '/think' },
    { label: t.suggestionLong, question: '/long 300' },
  ];
  return (
    <div className="greeting">
      <h2>{t.greeting(user?.name?.split(' ')[0] ?? null)}</h2>
      <p>{t.greetingText}</p>
      {serverFacts.demo && (
        <ul className="suggestions" aria-label={t.suggestions}>
          {examples.map(({ label, question }) => (
            <li key={question}>
              <button type="button" className="button small" onClick={() => onChoose(question)}>
                {label}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
