import { isEmail } from 'class-validator';
import { BadUserInputError } from '../platform/errors/api-error.js';

/** What two addresses are compared by: Unicode's composed form, without case. */
export const emailKey = (email: string): string => email.normalize('NFC').toLowerCase();

/** @throws BadUserInputError for what is no address. */
export function assertEmail(email: string): void {
  if (!isEmail(email)) throw new BadUserInputError({ email: 'Give an email address such as jane@example.com.' });
}
