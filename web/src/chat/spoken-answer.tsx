import { useMemo } from 'react';
import { useLanguage } from '../i18n/language.js';
import { readSentences } from './sentences.js';

/** The last sentences stay, because a screen reader may not have read them yet. */
const KEPT = 6;

/**
 * Announces an answer to screen readers, sentence by sentence, while it is written. The visible answer is not a live
 * region: a screen reader would read each delta.
 */
export function SpokenAnswer({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  const { language } = useLanguage();
  const sentences = useMemo(
    () => readSentences(isGrowing ? text : `${text}\n\n.`, language),
    [text, isGrowing, language],
  );
  const first = Math.max(0, sentences.length - KEPT);
  return (
    <div className="visually-hidden" role="log" aria-live="polite" aria-relevant="additions">
      {sentences.slice(first).map((sentence, i) => (
        <p key={first + i}>{sentence}</p>
      ))}
    </div>
  );
}
