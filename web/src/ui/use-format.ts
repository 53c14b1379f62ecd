import { useMemo } from 'react';
import { useLanguage } from '../i18n/language.js';

/** Returns functions that write numbers and dates as the chosen language does. */
export function useFormat() {
  const { language } = useLanguage();
  return useMemo(() => {
    const number = new Intl.NumberFormat(language);
    const percent = new Intl.NumberFormat(language, { style: 'percent' });
    const time = new Intl.DateTimeFormat(language, { timeStyle: 'short' });
    const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
    const day = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', timeZone: 'UTC' });
    const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
    return {
      /** @param amount in the main unit of the currency, as a decimal */
      money: ({ amount, currency }: { amount: string; currency: string }) =>
        new Intl.NumberFormat(language, { style: 'currency', currency }).format(Number(amount)),
      number: (value: number) => number.format(value),
      percent: (share: number) => percent.format(share),
      time: (iso: string) => time.format(new Date(iso)),
      date: (iso: string) => date.format(new Date(iso)),
      /** @param iso a UTC day, YYYY-MM-DD */
      day: (iso: string) => day.format(new Date(iso)),
      moment: (iso: string) => moment.format(new Date(iso)),
    };
  }, [language]);
}
