import Negotiator from 'negotiator';
import { DEFAULT_LANGUAGE } from './mail-texts.js';

/** Returns the language that an Accept-Language header prefers, of those that are available. */
export function pickLanguage(acceptLanguage: string | null, languages: string[]): string {
  if (acceptLanguage === null) return DEFAULT_LANGUAGE;
  const negotiator = new Negotiator({ headers: { 'accept-language': acceptLanguage } });
  return negotiator.language(languages) ?? DEFAULT_LANGUAGE;
}
