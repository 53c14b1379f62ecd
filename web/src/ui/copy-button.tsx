import { useEffect, useState } from 'react';
import { useText } from '../i18n/language.js';
import { copyText } from './copy-text.js';
import { Icon } from './icon.js';

const SHOWN_MS = 2_000;
const ICONS = { idle: 'copy', copied: 'check', failed: 'alert' } as const;

/** Copies a text, and shows for a moment whether it has. */
export function CopyButton({ label, getText }: { label: string; getText: () => string }) {
  const t = useText();
  const [state, setState] = useState<keyof typeof ICONS>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () => {
    copyText(getText()).then(
      () => setState('copied'),
      () => setState('failed'),
    );
  };
  return (
    <button type="button" className="icon-button" title={label} onClick={copy}>
      <Icon name={ICONS[state]} />
      <span className="visually-hidden" role="status">
        {state === 'copied' ? t.copied : state === 'failed' ? t.notCopied : ''}
      </span>
      <span className="visually-hidden">{label}</span>
    </button>
  );
}
