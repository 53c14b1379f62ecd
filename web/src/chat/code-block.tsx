import { useRef, type ComponentProps } from 'react';
import { useText } from '../i18n/language.js';
import { CopyButton } from '../ui/copy-button.js';

/** A block of code with a button that copies it. */
export function CodeBlock(props: ComponentProps<'pre'>) {
  const t = useText();
  const code = useRef<HTMLPreElement>(null);
  return (
    <div className="code-block">
      <pre {...props} ref={code} tabIndex={0} />
      <CopyButton label={t.copyCode} getText={() => code.current?.textContent ?? ''} />
    </div>
  );
}
