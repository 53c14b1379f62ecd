import { LANGUAGES, useLanguage, useText, type Language } from '../i18n/language.js';

/** The languages, each under its own name. */
export function LanguageSwitch() {
  const t = useText();
  const { language, choose } = useLanguage();
  return (
    <div className="languages" role="group" aria-label={t.language}>
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <button
          key={code}
          type="button"
          lang={code}
          aria-pressed={code === language}
          onClick={() => void choose(code as Language)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
