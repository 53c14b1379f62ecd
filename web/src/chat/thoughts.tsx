import { useText } from '../i18n/language.js';
import { Icon } from '../ui/icon.js';

/** What the model thought before it answered, folded. */
export function Thoughts({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  const t = useText();
  return (
    <details className="thoughts">
      <summary>
        <Icon name="thought" />
        <span className={isGrowing ? 'shimmer' : undefined}>{isGrowing ? t.thinking : t.thought}</span>
        <Icon name="chevron" />
      </summary>
      <p>{text}</p>
    </details>
  );
}
