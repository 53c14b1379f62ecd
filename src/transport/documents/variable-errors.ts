import {
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  typeFromAST,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import {
  BadUserInputError,
  QueryTooComplexError,
  type ApiError,
  type FieldErrors,
} from '../../platform/errors/api-error.js';

const MAX_ERRORS = 20;

/** The number of values in the variables of an operation: enough for the largest list that an input accepts. */
const MAX_VALUES = 50_000;

/** How much of the name of an unknown field is repeated. */
const MAX_NAME_LENGTH = 100;

/**
 * Returns the errors of an operation's variables by field; null when the variables are valid. Checks them as graphql-js
 * does, whose messages repeat the values, which may be secrets, and which looks for similar names for each unknown field.
 * This check stops at the first 20 errors.
 */
export function findVariableErrors(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): ApiError | null {
  const check = new VariableCheck();
  for (const { variable, type: node, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, node);
    if (!isInputType(type)) continue;
    if (Object.hasOwn(variables, name)) check.checkVariable(name, type, variables[name]);
    else if (isNonNullType(type) && !defaultValue) check.report([name], 'This field is required.');
  }
  if (check.hasTooManyValues) return new QueryTooComplexError('The variables have too many values.');
  return check.hasErrors ? new BadUserInputError(check.errors) : null;
}

type Path = readonly (string | number)[];

class VariableCheck {
  /** Without a prototype, because clients choose the names. */
  readonly errors = Object.create(null) as FieldErrors;
  #errorCount = 0;
  #valueCount = 0;

  get hasErrors(): boolean {
    return this.#errorCount > 0;
  }

  get hasTooManyValues(): boolean {
    return this.#valueCount > MAX_VALUES;
  }

  checkVariable(name: string, type: GraphQLInputType, value: unknown): void {
    this.#check(type, value, [], name);
  }

  report(path: Path, message: string): void {
    this.#errorCount += 1;
    this.errors[path.join('.')] = message;
  }

  get #isDone(): boolean {
    return this.#errorCount >= MAX_ERRORS || this.hasTooManyValues;
  }

  /** @param variable stands for an empty path: the paths of fields do not begin with the name of the variable */
  #check(type: GraphQLInputType, value: unknown, path: Path, variable: string): void {
    this.#valueCount += 1;
    if (this.#isDone) return;
    const fail = () => this.report(path.length > 0 ? path : [variable], `Must be a value of type ${String(type)}.`);
    const nullable = isNonNullType(type) ? type.ofType : type;
    if (value === null || value === undefined) {
      if (isNonNullType(type)) fail();
    } else if (isListType(nullable)) {
      // A single value is a list of one.
      if (!Array.isArray(value)) return this.#check(nullable.ofType, value, path, variable);
      for (let i = 0; i < value.length && !this.#isDone; i += 1)
        this.#check(nullable.ofType, value[i], [...path, i], variable);
    } else if (isInputObjectType(nullable)) {
      if (typeof value !== 'object' || Array.isArray(value)) return fail();
      this.#checkFields(nullable, value as Record<string, unknown>, path, variable);
    } else if (isEnumType(nullable)) {
      if (typeof value !== 'string' || !nullable.getValue(value)) fail();
    } else {
      try {
        if (nullable.parseValue(value) === undefined) fail();
      } catch {
        fail();
      }
    }
  }

  #checkFields(type: GraphQLInputObjectType, value: Record<string, unknown>, path: Path, variable: string): void {
    const fields = type.getFields();
    // Known fields are few, so the loop ends soon even if there are many unknown ones.
    for (const name in value) {
      if (this.#isDone) return;
      if (!Object.hasOwn(fields, name)) this.report([...path, name.slice(0, MAX_NAME_LENGTH)], 'Unknown field.');
    }
    for (const field of Object.values(fields)) {
      if (this.#isDone) return;
      const fieldPath = [...path, field.name];
      if (Object.hasOwn(value, field.name)) this.#check(field.type, value[field.name], fieldPath, variable);
      else if (isRequiredInputField(field)) this.report(fieldPath, 'This field is required.');
    }
  }
}
