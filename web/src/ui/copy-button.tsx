import { useEffect, useState } from 'react';
import { useText } from '../i18n/language.js';
import { Icon } from './icon.js';

const SHOWN_MS = 2_000;

/** Copies a text, and shows for a moment that it has. */
export function CopyButton({ label, getText }: { label: string; getText: () => string }) {
  const t = useText();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <button
      type="button"
      className="icon-button"
      title={label}
      onClick={() => void navigator.clipboard.writeText(getText()).then(() => setCopied(true))}
    >
      <Icon name={isCopied ? 'check' : 'copy'} />
      <span className="visually-hidden" role="status">
        {isCopied ? t.copied : ''}
      </span>
      <span className="visually-hidden">{label}</span>
    </button>
  );
}
