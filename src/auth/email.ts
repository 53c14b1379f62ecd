import { isEmail, ValidateBy } from 'class-validator';
import { BadUserInputError } from '../platform/errors/api-error.js';
import { isClean } from '../platform/graphql/text-rules.js';

/** What two addresses are compared by: Unicode's composed form, without case. */
export const emailKey = (email: string): string => email.normalize('NFC').toLowerCase();

/** @throws BadUserInputError for what is no address. */
export function assertEmail(email: string): void {
  if (!isAddress(email)) throw new BadUserInputError({ email: ADVICE });
}

/** An email address, for inputs. */
export const Email = () =>
  ValidateBy({ name: 'email', validator: { validate: isAddress, defaultMessage: () => ADVICE } });

const ADVICE = 'Give an email address such as jane@example.com.';

/** The library's check throws at half a surrogate pair, and takes control characters inside of quotation marks. */
const isAddress = (value: unknown): boolean =>
  typeof value === 'string' && isClean(value) && !/\p{Cc}/u.test(value) && isEmail(value);
