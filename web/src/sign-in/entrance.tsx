import { useId, type ReactNode } from 'react';
import { useText } from '../i18n/language.js';
import { LanguageSwitch } from './language-switch.js';
import './sign-in.css';

/** The frame of the pages for visitors. */
export function Entrance({ title, children }: { title: string; children: ReactNode }) {
  const t = useText();
  const id = useId();
  return (
    <main id="main" className="entrance">
      <section className="entrance-form" aria-labelledby={id}>
        <p className="entrance-brand" aria-hidden="true">
          {t.appName}
        </p>
        <h1 id={id}>{title}</h1>
        {children}
        <LanguageSwitch />
      </section>
      <div className="entrance-scene" aria-hidden="true">
        <p>
          {t.tagline.map((line) => (
            <span key={line}>{line}</span>
          ))}
        </p>
      </div>
    </main>
  );
}
