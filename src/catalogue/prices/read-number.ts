const SPACES = String.raw` \u00a0\u202f\u2009`;

/**
 * Digits in groups, or not, and decimals. Lakhs are groups of two digits. The number of groups is limited: otherwise a long
 * list of groups would be read once from each of them.
 */
const DIGITS = String.raw`\d{1,3}(?:[.,'’${SPACES}]\d{3}){1,5}(?!\d)(?:[.,]\d{1,3}(?!\d))?|\d{1,2}(?:,\d{2}){1,6},\d{3}(?!\d)(?:\.\d{1,2}(?!\d))?|\d{1,15}(?:[.,]\d{1,3}(?!\d))?`;

/** Words and letters after a number that multiply it. */
const FACTORS: Record<string, number> = {
  k: 1e3,
  K: 1e3,
  Tsd: 1e3,
  thousand: 1e3,
  tausend: 1e3,
  mille: 1e3,
  mil: 1e3,
  千: 1e3,
  万: 1e4,
  Mio: 1e6,
  million: 1e6,
  millions: 1e6,
  Millionen: 1e6,
  millones: 1e6,
};

/** A number as it is written in prices: 1,299.00, 1.299,00, 1 299,00, 1'299.–, 1.2k, 1万2,800. */
export const NUMBER = String.raw`(?:(?:${DIGITS})万(?:${DIGITS})千?|(?:${DIGITS})(?:[${SPACES}]?(?:${Object.keys(FACTORS).join('|')})(?![A-Za-zÀ-ɏ])\.?)?)(?:[.,][-–—]{1,2})?`;

const MYRIADS = new RegExp(`^(${DIGITS})万(${DIGITS})(千?)$`);
const SCALED = new RegExp(`^(${DIGITS})[${SPACES}]?(${Object.keys(FACTORS).join('|')})?\\.?$`);

/**
 * Returns what a number may mean, as decimals such as `1299.5`. `1.299` is 1299 in one language and 1.299 in another;
 * `15 999` may be two numbers.
 */
export function readNumber(text: string): string[] {
  const number = text.replace(/[.,][-–—]+$/, '');
  const myriads = MYRIADS.exec(number);
  if (myriads) {
    const [, many, few, thousand] = myriads;
    return readDigits(many!).flatMap((a) =>
      readDigits(few!).map((b) => String(Number(a) * 1e4 + Number(b) * (thousand ? 1e3 : 1))),
    );
  }
  const [, digits, factor] = SCALED.exec(number) ?? [];
  if (digits === undefined) return [];
  const values = readDigits(digits);
  return factor === undefined ? values : values.map((value) => toDecimal(Number(value) * FACTORS[factor]!));
}

/** Without the error of a product such as 1.1 × 1000. */
const toDecimal = (value: number): string => String(Number(value.toPrecision(12)));

function readDigits(text: string): string[] {
  const parts = text.split(/[^\d]/);
  const separators = text.replaceAll(/\d/g, '');
  const last = separators.at(-1);
  const whole = parts.join('');
  if (last === undefined) return [trim(whole, '')];
  const asDecimals = () => trim(parts.slice(0, -1).join(''), parts.at(-1)!);
  const isDecimal = last === '.' || last === ',';
  // Two kinds of separators: the last one is that of the decimals.
  if (isDecimal && separators.length > 1 && separators.at(-2) !== last) return [asDecimals()];
  if (isDecimal && separators.length === 1 && parts[1]!.length !== 3) return [asDecimals()];
  if (isDecimal && separators.length === 1) return [trim(whole, ''), asDecimals()];
  const isSpace = !/[.,'’]/.test(last);
  return isSpace ? [trim(whole, ''), trim(parts.at(-1)!, '')] : [trim(whole, '')];
}

/** Drops zeros that say nothing. */
function trim(whole: string, decimals: string): string {
  const digits = whole.replace(/^0+(?=\d)/, '');
  const rest = decimals.replace(/0+$/, '');
  return rest === '' ? digits : `${digits}.${rest}`;
}
