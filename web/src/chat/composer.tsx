import { useEffect, useId, useRef, type KeyboardEvent } from 'react';
import { useText } from '../i18n/language.js';
import { Icon } from '../ui/icon.js';
import { useFormat } from '../ui/use-format.js';
import './composer.css';

/** The limit of the server. */
const MAX_LENGTH = 32_000;

interface ComposerProps {
  text: string;
  onChange: (text: string) => void;
  /** Sends the text. Null while nothing can be sent. */
  onSend: (() => void) | null;
  /** Stops the answer. Null while no answer is written. */
  onStop: (() => void) | null;
}

/** Where the next question is written. The text stays while an answer is written, or cannot be sent. */
export function Composer({ text, onChange, onSend, onStop }: ComposerProps) {
  const t = useText();
  const format = useFormat();
  const hint = useId();
  const input = useRef<HTMLTextAreaElement>(null);
  const excess = [...text].length - MAX_LENGTH;
  const canSend = onSend !== null && text.trim() !== '' && excess <= 0;

  useEffect(() => {
    // Phones would show their keyboard over the conversation.
    if (matchMedia('(pointer: fine)').matches) input.current?.focus();
  }, []);

  const send = () => {
    if (!canSend) return;
    onSend();
    input.current?.focus();
  };
  const handleKey = (event: KeyboardEvent) => {
    // An input method uses Enter to accept a word. On a phone, Enter starts a new line.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    if (matchMedia('(pointer: coarse)').matches) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="composer-box">
        <textarea
          ref={input}
          rows={1}
          value={text}
          placeholder={t.askPlaceholder}
          aria-label={t.yourMessage}
          aria-describedby={hint}
          aria-invalid={excess > 0 || undefined}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={handleKey}
        />
        {onStop ? (
          <button type="button" className="send stop" aria-label={t.stop} title={t.stop} onClick={onStop}>
            <Icon name="stop" filled />
          </button>
        ) : (
          <button type="submit" className="send" aria-label={t.send} title={t.send} disabled={!canSend}>
            <Icon name="send" />
          </button>
        )}
      </div>
      <p id={hint} className={excess > 0 ? 'composer-hint mistake' : 'composer-hint'}>
        {excess > 0 ? t.tooLong(format.number(excess)) : t.composerHint}
      </p>
    </form>
  );
}
