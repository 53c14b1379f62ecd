import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { serverFacts } from '../shell/server-facts.js';

/** What is shown before the first question. */
export function Greeting({ onChoose }: { onChoose: (question: string) => void }) {
  const t = useText();
  const { user } = useSession();
  const examples = [t.suggestionTent, t.suggestionMarkdown, t.suggestionThink, t.suggestionLong];
  return (
    <div className="greeting">
      <h2>{t.greeting(user?.name?.split(' ')[0] ?? null)}</h2>
      <p>{t.greetingText}</p>
      {serverFacts.demo && (
        <ul className="suggestions" aria-label={t.suggestions}>
          {examples.map((example) => (
            <li key={example}>
              <button type="button" className="button small" onClick={() => onChoose(example)}>
                {example}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
