import { useEffect, type ReactNode } from 'react';
import { useText } from '../i18n/language.js';
import './page.css';

/** A page with sections that scrolls as a whole. */
export function Page({ title, text, children }: { title: string; text?: string | undefined; children: ReactNode }) {
  const t = useText();
  useEffect(() => {
    document.title = `${title} · ${t.appName}`;
  }, [title, t]);
  return (
    <main id="main" className="page" tabIndex={-1}>
      <header>
        <h1>{title}</h1>
        {text && <p>{text}</p>}
      </header>
      {children}
    </main>
  );
}

/** A part of a page under its own heading. */
export function Section({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  return (
    <section className="section" aria-label={title}>
      <div className="section-head">
        <h2>{title}</h2>
        {text && <p>{text}</p>}
      </div>
      <div className="section-body">{children}</div>
    </section>
  );
}
