import type { ToolCallPartsFragment } from '@parley/client';
import { useMemo } from 'react';
import { useLanguage, useText } from '../i18n/language.js';
import { describeLookUp } from './look-ups.js';
import { readSentences } from './sentences.js';

/** The last sentences stay, because a screen reader may not have read them yet. */
const KEPT = 6;

/**
 * Announces an answer to screen readers, sentence by sentence, while it is written, and its look-ups. The visible answer is not a live
 * region: a screen reader would read each delta.
 */
export function SpokenAnswer(props: { text: string; calls: readonly ToolCallPartsFragment[]; isGrowing: boolean }) {
  const { text, calls, isGrowing } = props;
  const t = useText();
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
      {isGrowing &&
        calls
          .filter(({ state }) => state !== 'DONE')
          .map((call) => <p key={`${call.id} ${call.state}`}>{describeLookUp(call, t)}</p>)}
    </div>
  );
}
