import { ValidateBy } from 'class-validator';

/** The number of Unicode characters (code points), which is what people count. */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Between `min` and `max` characters (code points). */
export const Characters = (min: number, max: number) =>
  ValidateBy({
    name: 'characters',
    validator: {
      // A text of more code units than twice the limit needs no counting.
      validate: (value: unknown) =>
        typeof value === 'string' && value.length <= max * 2 && within(characterCount(value), min, max),
      defaultMessage: () => `Give ${min === 0 ? 'at most' : `${min} to`} ${max.toLocaleString('en')} characters.`,
    },
  });

/** Something other than white space. */
export const NotBlank = () =>
  ValidateBy({
    name: 'notBlank',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && value.trim() !== '',
      defaultMessage: () => 'Write something: it is blank.',
    },
  });

/**
 * Text that every database and every client can hold: no NUL, which PostgreSQL refuses, and no half of a surrogate
 * pair, which UTF-8 cannot express.
 */
export const CleanText = () =>
  ValidateBy({
    name: 'cleanText',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && isClean(value),
      defaultMessage: () => 'Remove what is no text: it holds a NUL character or half of a surrogate pair.',
    },
  });

/** One line of visible text: nothing of Unicode's category Cc. */
export const NoControlCharacters = () =>
  ValidateBy({
    name: 'noControlCharacters',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && !/\p{Cc}/u.test(value),
      defaultMessage: () => 'Remove the control characters.',
    },
  });

/** Several rules under one name. */
export const applyAll =
  (...rules: PropertyDecorator[]): PropertyDecorator =>
  (target, property) =>
    rules.forEach((rule) => rule(target, property));

export const isClean = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

const within = (value: number, min: number, max: number): boolean => value >= min && value <= max;
