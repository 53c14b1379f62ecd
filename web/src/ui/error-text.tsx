import { ParleyError } from '@parley/client';
import { useMemo, type ReactNode } from 'react';
import type { Texts } from '../i18n/en.js';
import { useText } from '../i18n/language.js';
import { Notice } from './notice.js';
import { useCountdown } from './use-countdown.js';

/** Describes an error of a request, with the time that is left until another attempt makes sense. */
export function ErrorText({ error, children }: { error: unknown; children?: ReactNode }) {
  const t = useText();
  const wait = useWait(error);
  const remaining = useCountdown(wait);
  const isWaiting = wait !== null && remaining > 0;
  return (
    <Notice kind={wait ? 'warn' : 'bad'}>
      <span>
        {describeError(error, t)} {isWaiting && <span aria-live="off">{describeWait(remaining, t)}</span>}
      </span>
      {children}
    </Notice>
  );
}

/** Returns how long the server asks to wait; null if it does not. */
export function useWait(error: unknown): { seconds: number } | null {
  return useMemo(
    () => (error instanceof ParleyError && error.retryAfter ? { seconds: error.retryAfter } : null),
    [error],
  );
}

export function describeError(error: unknown, t: Texts): string {
  const { code } = ParleyError.from(error);
  return (t.errors as Record<string, string>)[code] ?? t.errors.OTHER;
}

export function describeWait(seconds: number, t: Texts): string {
  if (seconds < 120) return t.retryIn(seconds);
  if (seconds < 7_200) return t.retryInMinutes(Math.ceil(seconds / 60));
  return t.retryInHours(Math.ceil(seconds / 3_600));
}
