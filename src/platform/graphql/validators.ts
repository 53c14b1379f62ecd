import { ValidateBy } from 'class-validator';
import { characters, noControlCharacters, notBlank, storableText, visibleText, type TextRule } from './text-rules.js';

const applyRule = (name: string, { isValid, message }: TextRule): PropertyDecorator =>
  ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => typeof value === 'string' && isValid(value),
      defaultMessage: () => message,
    },
  });

/** Requires `min` to `max` characters (code points). */
export const Characters = (min: number, max: number) => applyRule('characters', characters(min, max));

/** Requires something other than white space and characters without a shape. */
export const NotBlank = () => applyRule('notBlank', notBlank);

/** Requires text that every database can store. */
export const StorableText = () => applyRule('storableText', storableText);

/** Requires a single line. */
export const NoControlCharacters = () => applyRule('noControlCharacters', noControlCharacters);

/**
 * Requires a single line of text that reads as it is stored: without characters that change the direction of the text or
 * have no width.
 */
export const VisibleText = () => applyAll(NoControlCharacters(), applyRule('visibleText', visibleText));

/** Combines several decorators into one. */
export const applyAll =
  (...rules: PropertyDecorator[]): PropertyDecorator =>
  (target, property) =>
    rules.forEach((rule) => rule(target, property));
