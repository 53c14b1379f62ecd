/** An amount in integer units of the currency's smallest coin, so that sums are exact. */
export interface Money {
  /** Such as 28900 for 289.00 USD, and 289 for 289 JPY. */
  minorUnits: number;
  /** ISO 4217. */
  currency: string;
}

/** The number of decimals by currency; null until it is needed, because formats are slow to create. */
const DECIMALS = new Map<string, number | null>(Intl.supportedValuesOf('currency').map((code) => [code, null]));
const AMOUNT = /^(\d{1,15})(?:\.(\d{1,10}))?$/;

/** Returns the number of decimals of a currency; null if ISO 4217 does not know it. */
export function getDecimals(currency: string): number | null {
  const known = DECIMALS.get(currency);
  if (known === undefined) return null;
  if (known !== null) return known;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  DECIMALS.set(currency, decimals);
  return decimals;
}

/**
 * Reads a decimal amount in the main unit of a currency, such as `289.00`.
 * @returns null if it is negative, has another form, more decimals than the currency, or is too large to be exact
 */
export function parseAmount(amount: string, currency: string): number | null {
  const decimals = getDecimals(currency);
  const [, whole, fraction = ''] = AMOUNT.exec(amount) ?? [];
  if (decimals === null || whole === undefined || /[1-9]/.test(fraction.slice(decimals))) return null;
  const minorUnits = Number(whole + fraction.slice(0, decimals).padEnd(decimals, '0'));
  return Number.isSafeInteger(minorUnits) ? minorUnits : null;
}

/** Returns the amount in the main unit, with all decimals of the currency. */
export function formatAmount({ minorUnits, currency }: Money): string {
  const decimals = getDecimals(currency) ?? 2;
  const digits = String(minorUnits).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
