import { useId, useState, type InputHTMLAttributes } from 'react';
import { useText } from '../i18n/language.js';
import { Icon } from './icon.js';

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string | undefined;
  /** What is wrong with the value. */
  mistake?: string | undefined;
}

/** An input with its label, hint and mistake. A password can be shown. */
export function Field({ label, hint, mistake, type = 'text', ...input }: FieldProps) {
  const t = useText();
  const id = useId();
  const [isShown, setShown] = useState(false);
  const isPassword = type === 'password';
  const control = (
    <input
      {...input}
      id={id}
      className="input"
      type={isPassword && isShown ? 'text' : type}
      aria-invalid={mistake ? true : undefined}
      aria-describedby={hint || mistake ? `${id}-about` : undefined}
    />
  );
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {isPassword ? (
        <div className="password">
          {control}
          <button
            type="button"
            className="icon-button"
            aria-pressed={isShown}
            aria-label={t.showPassword}
            onClick={() => setShown(!isShown)}
          >
            <Icon name="eye" />
          </button>
        </div>
      ) : (
        control
      )}
      {(mistake || hint) && (
        <p id={`${id}-about`} className={mistake ? 'mistake' : 'hint'}>
          {mistake ?? hint}
        </p>
      )}
    </div>
  );
}
