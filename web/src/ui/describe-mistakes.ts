import { ParleyError } from '@parley/client';
import type { Texts } from '../i18n/en.js';

/**
 * Returns what is wrong with each field of a form. The server explains it in English, and more precisely than the texts
 * of other languages, which know only the field.
 */
export function describeMistakes(error: unknown, t: Texts): Record<string, string> {
  if (!(error instanceof ParleyError)) return {};
  if (error.code === 'EMAIL_TAKEN') return { email: t.emailTaken };
  const describe = (field: string) => (error.code === 'UNAUTHENTICATED' ? t.wrongPassword : t.fieldMistakes[field]);
  return Object.fromEntries(
    Object.entries(error.fields).map(([field, message]) => [field, describe(field) ?? message]),
  );
}
