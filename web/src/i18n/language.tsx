import { createContext, useContext, useSyncExternalStore } from 'react';
import { en, type Texts } from './en.js';

/** The texts of the chat in one language. English defines which there are. */

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = 'parley.language';
const isLanguage = (code: string | null | undefined): code is Language => !!code && code in LANGUAGES;

/** The chosen language, with its texts. Texts other than the English ones are loaded when they are needed. */
export class LanguageStore {
  #state: { language: Language; texts: Texts } = { language: 'en', texts: en };
  readonly #listeners = new Set<() => void>();

  readonly get = () => this.#state;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Uses the language that was chosen before, or the first of the browser's languages that there is. */
  async start(): Promise<void> {
    const codes = [localStorage.getItem(KEY), ...navigator.languages.map((tag) => tag.split('-')[0])];
    await this.#show(codes.find(isLanguage) ?? 'en');
  }

  async choose(language: Language): Promise<void> {
    localStorage.setItem(KEY, language);
    await this.#show(language);
  }

  async #show(language: Language): Promise<void> {
    const texts = language === 'de' ? (await import('./de.js')).de : en;
    this.#state = { language, texts };
    document.documentElement.lang = language;
    for (const listener of this.#listeners) listener();
  }
}

export const LanguageContext = createContext(new LanguageStore());

export function useLanguage() {
  const store = useContext(LanguageContext);
  return { ...useSyncExternalStore(store.subscribe, store.get), choose: (code: Language) => store.choose(code) };
}

/** Returns the texts in the chosen language. */
export const useText = (): Texts => useLanguage().texts;
