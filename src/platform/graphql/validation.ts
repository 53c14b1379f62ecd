import { BadUserInputError, type FieldErrors } from '../errors/api-error.js';

/** A rule for the value of a field, and what to tell about one that breaks it. */
export interface Rule {
  isValid: (value: unknown) => boolean;
  message: string;
}

/** The rules of input types, by prototype and property. */
const rules = new WeakMap<object, Map<string, Rule[]>>();

/** Adds a rule to a property of an input type or of arguments. The rule that is declared first is reported. */
export const Valid =
  (rule: Rule): PropertyDecorator =>
  (prototype, property) => {
    const properties = rules.get(prototype) ?? new Map<string, Rule[]>();
    rules.set(prototype, properties);
    // Decorators run bottom-up.
    properties.set(String(property), [rule, ...(properties.get(String(property)) ?? [])]);
  };

/** Returns the errors of an input by field. Fields that are null or missing are valid: the schema tells which may be. */
export function validate(input: object): FieldErrors {
  const errors: FieldErrors = {};
  for (const [property, checks] of rules.get(Object.getPrototypeOf(input) as object) ?? []) {
    const value = (input as Record<string, unknown>)[property];
    if (value === undefined || value === null) continue;
    const broken = checks.find(({ isValid }) => !isValid(value));
    if (broken) errors[property] = broken.message;
  }
  return errors;
}

/**
 * Checks an argument for type-graphql.
 * @throws BadUserInputError with all fields that are not valid
 */
export function validateArgument(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const errors = validate(value);
  if (Object.keys(errors).length > 0) throw new BadUserInputError(errors);
}
