import { closestMatch } from 'leven';
import { SETTING_NAMES } from './configuration.js';

/** Settings of other software begin differently, so an unknown name with one of these is a mistake. */
const PREFIXES =
  /^(ASSISTANT|CONTEXT|GUESTS?|IDENTITY|JWT|MAIL|MAX|METRICS|(AZURE_)?OPENAI|PROVIDER|RATE_LIMIT|REFRESH_REUSE|SMTP)_/;

/** Variables of other software that resemble a setting. The names of proxies are also written in lower case. */
const FOREIGN = new Set(['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY']);

/** A longer name may differ in more characters and still be meant. */
const getMaxDistance = (name: string): number => (name.length < 8 ? 1 : 2);

export interface UnknownSetting {
  name: string;
  /** What to do, for a message. */
  advice: string;
}

/** Returns the names that are not settings but resemble one, or have a prefix of settings. */
export function findUnknownSettings(names: readonly string[]): UnknownSetting[] {
  const known = new Set(SETTING_NAMES);
  return names.flatMap((name): UnknownSetting[] => {
    const upper = name.toUpperCase();
    if (known.has(name) || FOREIGN.has(upper)) return [];
    const nearest = closestMatch(upper, SETTING_NAMES, { maxDistance: getMaxDistance(name) });
    if (nearest !== undefined) return [{ name, advice: `did you mean ${nearest}?` }];
    return PREFIXES.test(upper) ? [{ name, advice: '.env.example lists all settings' }] : [];
  });
}
