import { dictionary } from '@zxcvbn-ts/language-common';
import { ValidateBy } from 'class-validator';

const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

/** Rejects about 50,000 commonly used passwords, case-insensitively. */
export const NotCommon = () =>
  ValidateBy({
    name: 'notCommon',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && !COMMON.has(value.toLowerCase()),
      defaultMessage: () => 'This password is commonly used; choose another one.',
    },
  });
