import { useText } from '../i18n/language.js';
import { CommandButton } from '../ui/command-button.js';
import { Notice } from '../ui/notice.js';
import type { AnswerCommands } from './commands.js';
import type { Message } from './types.js';

/** Tells why an answer ended before it was complete, and lets it go on. */
export function AnswerOutcome({
  answer,
  isLast,
  regenerate,
  continueAnswer,
}: AnswerCommands & { answer: Message; isLast: boolean }) {
  const t = useText();
  const text = describeOutcome(answer, t);
  if (!text) return null;
  const isFailed = answer.status === 'FAILED';
  const canContinue = isLast && answer.content !== '' && answer.finishReason !== 'CONTENT_FILTER';
  return (
    <Notice kind={isFailed ? 'bad' : 'warn'} icon={answer.status === 'STOPPED' ? 'stop' : 'alert'}>
      <span>{text}</span>
      {isLast && (
        <span className="outcome-actions">
          {canContinue && (
            <CommandButton className="button small" icon="forward" run={continueAnswer}>
              {t.continueAnswer}
            </CommandButton>
          )}
          {isFailed && (
            <CommandButton className="button small" icon="refresh" run={regenerate}>
              {t.tryAgain}
            </CommandButton>
          )}
        </span>
      )}
    </Notice>
  );
}

function describeOutcome({ status, error, finishReason }: Message, t: ReturnType<typeof useText>): string | null {
  if (status === 'FAILED') return error ? t.answerErrors[error.code] : t.answerErrors.INTERNAL;
  if (status === 'STOPPED') return t.stopped;
  if (finishReason === 'LENGTH') return t.cutByLength;
  if (finishReason === 'CONTENT_FILTER') return t.filtered;
  return null;
}
