import type { ToolCallPartsFragment } from '@parley/client';
import type { Texts } from '../i18n/en.js';
import { useText } from '../i18n/language.js';
import { Icon } from '../ui/icon.js';
import './look-ups.css';

type LookUp = Pick<ToolCallPartsFragment, 'name' | 'state'>;

/** Those of the catalogue; the others are shown by the names that the operator gave them. */
const OF_PRODUCTS: ReadonlySet<string> = new Set(['searchProducts', 'getProduct']);
const ICONS = { RUNNING: 'search', DONE: 'check', FAILED: 'alert' } as const;

/** Lists what the model looks up. It is not a live region: `SpokenAnswer` announces look-ups. */
export function LookUps({ calls }: { calls: readonly ToolCallPartsFragment[] }) {
  const t = useText();
  if (calls.length === 0) return null;
  return (
    <ul className="look-ups" aria-label={t.lookUps}>
      {calls.map((call) => (
        <li key={call.id} data-state={call.state}>
          <Icon name={ICONS[call.state]} />
          <span className={call.state === 'RUNNING' ? 'shimmer' : undefined}>{describeLookUp(call, t)}</span>
        </li>
      ))}
    </ul>
  );
}

export function describeLookUp({ name, state }: LookUp, t: Texts): string {
  return t.lookUp[state](OF_PRODUCTS.has(name) ? t.products : name);
}
