import { dictionary } from '@zxcvbn-ts/language-common';
import { ValidateBy } from 'class-validator';

const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

/** Not among the some 50,000 passwords that are tried first, in whatever case. */
export const NotCommon = () =>
  ValidateBy({
    name: 'notCommon',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && !COMMON.has(value.toLowerCase()),
      defaultMessage: () => 'Choose another one: this is among the passwords that are tried first.',
    },
  });
