import { characters, noControlCharacters, notBlank, storableText, visibleText, type TextRule } from './text-rules.js';
import { Valid } from './validation.js';

const applyRule = ({ isValid, message }: TextRule): PropertyDecorator =>
  Valid({ isValid: (value) => typeof value === 'string' && isValid(value), message });

/** Requires `min` to `max` characters (code points). */
export const Characters = (min: number, max: number) => applyRule(characters(min, max));

/** Requires something other than white space and characters without a shape. */
export const NotBlank = () => applyRule(notBlank);

/** Requires text that every database can store. */
export const StorableText = () => applyRule(storableText);

/** Requires a single line. */
export const NoControlCharacters = () => applyRule(noControlCharacters);

/**
 * Requires a single line of text that reads as it is stored: without characters that change the direction of the text or
 * have no width.
 */
export const VisibleText = () => applyAll(NoControlCharacters(), applyRule(visibleText));

/** Combines several decorators into one. */
export const applyAll =
  (...rules: PropertyDecorator[]): PropertyDecorator =>
  (target, property) =>
    rules.forEach((rule) => rule(target, property));
