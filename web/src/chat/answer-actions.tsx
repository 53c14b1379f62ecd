import { lazy, Suspense, useState } from 'react';
import { useText } from '../i18n/language.js';
import { CommandButton } from '../ui/command-button.js';
import { CopyButton } from '../ui/copy-button.js';
import { Icon } from '../ui/icon.js';
import { useFormat } from '../ui/use-format.js';
import type { AnswerCommands } from './commands.js';
import type { Message } from './types.js';

const EarlierAnswer = lazy(() => import('./earlier-answer.js'));

/** The row under a finished answer. */
export function AnswerActions({ answer, isLast, regenerate }: AnswerCommands & { answer: Message; isLast: boolean }) {
  const t = useText();
  const format = useFormat();
  const [isEarlierShown, setEarlierShown] = useState(false);
  const { usage } = answer;
  return (
    <div className="answer-actions">
      <CopyButton label={t.copy} getText={() => answer.content} />
      {isLast && <CommandButton className="icon-button" icon="refresh" title={t.regenerate} run={regenerate} />}
      {answer.replacesId && (
        <button type="button" className="icon-button" title={t.showEarlier} onClick={() => setEarlierShown(true)}>
          <Icon name="history" />
          <span className="visually-hidden">{t.showEarlier}</span>
        </button>
      )}
      <p className="answer-facts">
        {answer.finishedAt && <time dateTime={answer.finishedAt}>{format.time(answer.finishedAt)}</time>}
        {usage && (
          <span>
            {t.tokens(format.number(usage.promptTokens), format.number(usage.completionTokens))}
            {usage.estimated && ` (${t.estimated})`}
          </span>
        )}
      </p>
      {isEarlierShown && answer.replacesId && (
        <Suspense>
          <EarlierAnswer id={answer.replacesId} onClose={() => setEarlierShown(false)} />
        </Suspense>
      )}
    </div>
  );
}
