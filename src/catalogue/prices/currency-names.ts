/** The languages whose names and signs of currencies are read. */
const LANGUAGES = ['en', 'de', 'fr', 'es', 'ja'];

/** Read in every text; others only if a product of the catalogue has them. */
const COMMON = 'EUR USD GBP JPY CHF CAD AUD NZD CNY KRW INR SEK NOK DKK PLN CZK HUF BRL MXN SGD HKD ZAR'.split(' ');

/** Everyday names, which differ from the official ones, by the sign that their currencies share. */
const EVERYDAY: Record<string, string[]> = {
  '€': ['euro', 'euros', 'ユーロ'],
  $: ['US$', 'dollar', 'dollars', 'bucks', 'dólar', 'dólares', 'ドル'],
  '¥': ['yen', 'yens', 'yenes', 'yuan', '円', '元', '￥', '¥'],
};

/** Everyday names that mean something else where the currency is not used: weights, books, crowns. */
const AMBIGUOUS: Record<string, string[]> = {
  GBP: ['pound', 'pounds', 'quid', 'Pfund', 'livre', 'livres', 'libra', 'libras', 'ポンド'],
  CHF: ['franc', 'francs', 'Franken', 'Fr.', 'SFr.', 'franco', 'francos', 'フラン'],
  SEK: ['kr', 'kr.', 'krona', 'kronor', 'Kronen', 'couronnes', 'coronas'],
  NOK: ['kr', 'kr.', 'krone', 'kroner', 'Kronen', 'couronnes', 'coronas'],
  DKK: ['kr', 'kr.', 'krone', 'kroner', 'Kronen', 'couronnes', 'coronas'],
  PLN: ['zł', 'zloty', 'złoty', 'złotych'],
  CZK: ['Kč', 'Kronen', 'couronnes', 'coronas'],
  HUF: ['Ft', 'forint'],
  INR: ['rupee', 'rupees', 'Rs', 'Rs.'],
  KRW: ['won', 'ウォン'],
  BRL: ['real', 'reais', 'reales'],
  MXN: ['peso', 'pesos'],
};

/** Names of a hundredth of a currency. */
export const CENTS: ReadonlySet<string> = new Set(
  'cent cents ct Cent Cents centime centimes céntimo céntimos pence セント'.split(' '),
);

/**
 * Returns the signs, codes and names of currencies, each with the currencies that it may stand for.
 * @param used the currencies of the catalogue
 */
export function nameCurrencies(used: readonly string[]): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  const currencies = new Set([...COMMON, ...used]);
  for (const currency of currencies) {
    const put = (name: string) => names.set(name, (names.get(name) ?? new Set()).add(currency));
    const add = (name: string) =>
      [name, name.toLowerCase(), name.toUpperCase(), capitalize(name)].forEach((variant) => put(variant));
    put(currency);
    // The codes of some others are words: `all`, `top`, `try`.
    if (COMMON.includes(currency)) put(currency.toLowerCase());
    const signs = LANGUAGES.flatMap((language) => describe(language, currency));
    // A sign that consists of letters, such as `L`, is a unit of something else more often.
    for (const sign of signs) if (/\p{Sc}/u.test(sign) || /^\p{L}{4,}/u.test(sign)) add(sign);
    for (const [sign, words] of Object.entries(EVERYDAY)) if (signs.includes(sign)) words.forEach(add);
    if (used.includes(currency)) AMBIGUOUS[currency]?.forEach(add);
  }
  for (const name of CENTS) names.set(name, currencies);
  return names;
}

const describe = (language: string, currency: string): string[] =>
  (['symbol', 'narrowSymbol', 'name'] as const).flatMap((currencyDisplay) => {
    const format = new Intl.NumberFormat(language, { style: 'currency', currency, currencyDisplay });
    return [1, 2].map((n) => format.formatToParts(n).find(({ type }) => type === 'currency')!.value);
  });

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
