import { useText } from '../i18n/language.js';
import { ErrorText } from '../ui/error-text.js';
import { Icon } from '../ui/icon.js';
import type { QuestionCommands } from './commands.js';
import type { Message } from './types.js';

/** Tells why a question was not sent. It can be sent again, or taken back into the draft. */
export function Undelivered({ question, retry, discard }: QuestionCommands & { question: Message }) {
  const t = useText();
  return (
    <ErrorText error={question.deliveryError}>
      <span className="outcome-actions">
        <button type="button" className="button small" onClick={() => void retry(question.key)}>
          <Icon name="refresh" />
          {t.sendAgain}
        </button>
        <button type="button" className="button small" onClick={() => discard(question.key)}>
          <Icon name="edit" />
          {t.edit}
        </button>
      </span>
    </ErrorText>
  );
}
