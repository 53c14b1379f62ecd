import { domainToASCII } from 'node:url';
import validator from 'validator';
import { BadUserInputError } from '../platform/errors/api-error.js';
import { isStorableText } from '../platform/db/storable-text.js';
import { Valid } from '../platform/graphql/validation.js';

/**
 * Normalizes an email for comparison: without surrounding white space, Unicode NFC, lower case, and the domain in
 * Punycode (UTS #46). A domain that cannot be converted stays as it is. A change requires a migration of the keys.
 */
export function toEmailKey(email: string): string {
  const address = email.trim().normalize('NFC').toLowerCase();
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  return address.slice(0, at) + (domainToASCII(domain) || domain);
}

/** @throws BadUserInputError if it is not a valid email address. */
export function assertEmail(email: string): void {
  if (!isValidEmail(email)) throw new BadUserInputError({ email: INVALID_EMAIL });
}

/** Requires a valid email address. White space around it is ignored. */
export const Email = () => Valid({ isValid: isValidEmail, message: INVALID_EMAIL });

const INVALID_EMAIL = 'Must be a valid email address without invisible characters, such as jane@example.com.';

/** Control and format characters, spaces outside ASCII, and characters that fonts do not show. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

export const isValidEmail = (value: unknown): boolean => typeof value === 'string' && isValidAddress(value.trim());

/** isEmail() throws on unpaired surrogates and accepts invisible characters, so both are checked first. */
const isValidAddress = (address: string): boolean =>
  isStorableText(address) &&
  !INVISIBLE.test(address) &&
  validator.isEmail(address) &&
  domainToASCII(address.slice(address.lastIndexOf('@') + 1)) !== '';
