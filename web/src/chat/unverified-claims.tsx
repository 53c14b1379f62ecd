import type { MessagePartsFragment } from '@parley/client';
import { useText } from '../i18n/language.js';
import { Notice } from '../ui/notice.js';

/** Lists the prices in an answer that nothing confirms. */
export function UnverifiedClaims({ claims }: { claims: MessagePartsFragment['unverifiedClaims'] }) {
  const t = useText();
  if (claims.length === 0) return null;
  const prices = [...new Set(claims.map(({ text }) => text.replaceAll('*', '')))];
  return (
    <Notice kind="warn">
      <span>
        {t.unverified} {prices.join(' · ')}
      </span>
    </Notice>
  );
}
