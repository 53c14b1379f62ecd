import { dictionary } from '@zxcvbn-ts/language-common';
import { Valid } from '../platform/graphql/validation.js';

const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

/** Rejects about 50,000 commonly used passwords, case-insensitively. */
export const NotCommon = () =>
  Valid({
    isValid: (value) => typeof value === 'string' && !COMMON.has(value.toLowerCase()),
    message: 'This password is commonly used; choose another one.',
  });
