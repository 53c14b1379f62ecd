/** The intent of a customer's message, detected by a few patterns; the first match wins. */
export type Intent = 'ABOUT_DEMO' | 'REJECT' | 'BUY' | 'PRICE' | 'COMPARE' | 'THANKS' | 'OTHER';

const PATTERNS: readonly (readonly [Intent, RegExp])[] = [
  ['ABOUT_DEMO', /\b(demo|real model|api[ _]?key|openai|who are you|are you (a|an|real))\b/i],
  [
    'REJECT',
    /\b(too (expensive|heavy|big|small|much)|not interested|don'?t (want|like|need)|no thanks?|something else|rather not)\b|\bno,/i,
  ],
  ['BUY', /\b(i'?ll take|i will take|i want to buy|buy|order|deal|sold|put one aside|yes,? please)\b/i],
  ['PRICE', /\b(price|prices|cost|costs|how much|expensive|cheap|discount|budget)\b/i],
  ['COMPARE', /\b(compare|difference|versus|vs|better|which one)\b/i],
  ['THANKS', /\b(thanks|thank you|bye|goodbye)\b/i],
];

export function detectIntent(line: string): Intent {
  return PATTERNS.find(([, pattern]) => pattern.test(line))?.[0] ?? 'OTHER';
}
