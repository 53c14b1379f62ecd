import { BadUserInputError } from '../platform/errors/api-error.js';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

/** More than a million guesses, which the limits on logins rule out. zxcvbn calls it "somewhat guessable". */
const MIN_SCORE = 2;

/** The time grows with the square of the length, and a longer password is at least as strong as its beginning. */
const MAX_EVALUATED_LENGTH = 32;

/** Substitutions such as 4 for a that are tried. The default of 100 takes seconds for some passwords. */
const MAX_SUBSTITUTIONS = 4;

const ESTIMATOR = new ZxcvbnFactory({
  dictionary,
  graphs: adjacencyGraphs,
  maxLength: MAX_EVALUATED_LENGTH,
  l33tMaxSubstitutions: MAX_SUBSTITUTIONS,
});

/**
 * Returns what is wrong with a password that is easy to guess, or null.
 * @param userData words that an attacker tries first, such as the email and the name
 */
export function findWeakness(password: string, userData: readonly (string | null | undefined)[]): string | null {
  // The text, the part of an email before the @, and its words.
  const words = userData.flatMap((text) => (text ? [text, text.split('@')[0]!, ...text.split(/[^\p{L}\p{N}]+/u)] : []));
  const inputs = words
    .filter((word) => word.length > 2)
    .map((word) => word.slice(0, MAX_EVALUATED_LENGTH).toLowerCase());
  const { score } = ESTIMATOR.check(password.slice(0, MAX_EVALUATED_LENGTH), inputs);
  return score < MIN_SCORE ? 'This password is easy to guess; choose a longer or less common one.' : null;
}

/** @throws BadUserInputError if the password is easy to guess */
export function assertStrong(field: string, password: string, userData: (string | null | undefined)[]): void {
  const weakness = findWeakness(password, userData);
  if (weakness) throw new BadUserInputError({ [field]: weakness });
}
