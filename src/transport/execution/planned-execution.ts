import {
  getArgumentValues,
  GraphQLError,
  locatedError,
  OperationTypeNode,
  responsePathAsArray,
  type GraphQLSchema,
  type ResponsePath,
} from 'graphql';
import type { OperationPlan, PlannedField } from './operation-plan.js';
import { PlannedInfo } from './planned-info.js';

type Path = ResponsePath | undefined;

type MaybePromise<T> = T | Promise<T>;

/** A value as JSON. Null stands for null, since a field may have to reject it; undefined for a value that has no JSON. */
type Text = string | null | undefined;

/** The completed value of a field. The items of a list are joined when all of them are complete. */
type Completed = Text | Text[];

export interface WrittenResult {
  /** As JSON. */
  data: string;
  errors: readonly GraphQLError[];
}

/**
 * Executes a planned operation, and writes the result as JSON. It calls the resolvers that `execute` of graphql-js 16 calls,
 * in the same order and with the same arguments, and awaits the same promises, so that data and errors have the same bytes.
 * It creates paths only if they are needed, and no objects for the result. The methods are named after those of graphql-js.
 */
export class PlannedExecution {
  readonly #errors: GraphQLError[] = [];
  /** Null has replaced what is at these paths. */
  readonly #errorPaths = new Set<Path>();

  constructor(
    readonly schema: GraphQLSchema,
    readonly plan: OperationPlan,
    readonly contextValue: unknown,
    /** Coerced values. */
    readonly variableValues: Record<string, unknown>,
  ) {}

  async run(): Promise<WrittenResult> {
    const { fields, operation } = this.plan;
    let data = 'null';
    try {
      if (operation.operation === OperationTypeNode.MUTATION)
        data = writeObject(fields, await this.#executeFieldsSerially(fields));
      else data = await this.#executeFields(fields, undefined, undefined);
    } catch (error) {
      this.#addError(error as GraphQLError, undefined);
    }
    return { data, errors: this.#errors };
  }

  #executeFieldsSerially(fields: readonly PlannedField[]): MaybePromise<Text[]> {
    const execute = (values: Text[], field: PlannedField): MaybePromise<Text[]> => {
      const value = field.constant ?? this.#executeField(field, undefined, undefined);
      return isPromise(value) ? value.then((text) => [...values, text]) : [...values, value];
    };
    return fields.reduce<MaybePromise<Text[]>>(
      (previous, field) =>
        isPromise(previous) ? previous.then((values) => execute(values, field)) : execute(previous, field),
      [],
    );
  }

  #executeFields(fields: readonly PlannedField[], source: unknown, path: Path): MaybePromise<string> {
    const values: MaybePromise<Text>[] = [];
    let containsPromise = false;
    try {
      for (const field of fields) {
        const value = field.constant ?? this.#executeField(field, source, path);
        if (isPromise(value)) containsPromise = true;
        values.push(value);
      }
    } catch (error) {
      if (!containsPromise) throw error;
      // Others may be rejected, too.
      return awaitAll(values, () => '').finally(() => {
        throw error;
      });
    }
    if (!containsPromise) return writeObject(fields, values as Text[]);
    return awaitAll(values, (all) => writeObject(fields, all));
  }

  #executeField(field: PlannedField, source: unknown, parentPath: Path): MaybePromise<Text> {
    // A leaf has a path only if it fails.
    const path = field.writeLeaf && !field.isList ? undefined : createFieldPath(field, parentPath);
    try {
      const value = this.#resolve(field, source, parentPath);
      const completed = isPromise(value)
        ? value.then((resolved) => this.#completeValue(field, path, resolved))
        : this.#completeValue(field, path, value);
      if (!isPromise(completed)) return joinItems(completed);
      return completed.then(joinItems, (error: unknown) => this.#handleFieldError(error, field, path, parentPath));
    } catch (error) {
      return this.#handleFieldError(error, field, path, parentPath);
    }
  }

  #resolve(field: PlannedField, source: unknown, parentPath: Path): unknown {
    const { definition } = field;
    const { resolve, name } = definition;
    if (!resolve) {
      // As `defaultFieldResolver` does.
      if ((typeof source !== 'object' || source === null) && typeof source !== 'function') return undefined;
      const value = (source as Record<string, unknown>)[name];
      if (typeof value !== 'function') return value;
    }
    const args =
      definition.args.length > 0 ? getArgumentValues(definition, field.nodes[0]!, this.variableValues) : NO_ARGUMENTS;
    const info = new PlannedInfo(this, field, parentPath);
    if (resolve) return resolve(source, args, this.contextValue, info);
    return (source as Record<string, (...call: unknown[]) => unknown>)[name]!(args, this.contextValue, info);
  }

  #completeValue(field: PlannedField, path: Path, value: unknown): MaybePromise<Completed> {
    if (!field.isList) return this.#completeContent(field, field.isNonNull, path, value);
    if (value instanceof Error) throw value;
    if (value !== null && value !== undefined) return this.#completeListValue(field, path, value);
    if (field.isNonNull) throw createNullError(field);
    return null;
  }

  #completeListValue(field: PlannedField, path: Path, values: unknown): MaybePromise<Text[]> {
    const { isItemNonNull } = field;
    if (!isIterable(values))
      throw new GraphQLError(`Expected Iterable, but did not find one for field "${describe(field)}".`);
    let containsPromise = false;
    const items = Array.from(values, (item, index): MaybePromise<Text> => {
      const itemPath = createPath(path, index, undefined);
      try {
        const completed = isPromise(item)
          ? item.then((resolved) => this.#completeContent(field, isItemNonNull, itemPath, resolved))
          : this.#completeContent(field, isItemNonNull, itemPath, item);
        if (!isPromise(completed)) return completed;
        containsPromise = true;
        return completed.then(undefined, (error: unknown) => this.#handleError(error, field, isItemNonNull, itemPath));
      } catch (error) {
        return this.#handleError(error, field, isItemNonNull, itemPath);
      }
    });
    return containsPromise ? Promise.all(items as Promise<Text>[]) : (items as Text[]);
  }

  /** Completes a value that is not a list, or an item of a list. */
  #completeContent(field: PlannedField, isNonNull: boolean, path: Path, value: unknown): MaybePromise<Text> {
    if (value instanceof Error) throw value;
    if (value !== null && value !== undefined)
      return field.writeLeaf ? field.writeLeaf(value) : this.#executeFields(field.fields, value, path);
    if (isNonNull) throw createNullError(field);
    return null;
  }

  #handleFieldError(error: unknown, field: PlannedField, path: Path, parentPath: Path): null {
    return this.#handleError(error, field, field.isNonNull, path ?? createFieldPath(field, parentPath));
  }

  #handleError(rawError: unknown, { nodes }: PlannedField, isNonNull: boolean, path: Path): null {
    const error = locatedError(rawError, nodes, responsePathAsArray(path));
    if (isNonNull) throw error;
    this.#addError(error, path);
    return null;
  }

  /** Ignores errors below another one. */
  #addError(error: GraphQLError, path: Path): void {
    let at = path;
    while (at && !this.#errorPaths.has(at)) at = at.prev;
    if (this.#errorPaths.has(at)) return;
    this.#errorPaths.add(path);
    this.#errors.push(error);
  }
}

const NO_ARGUMENTS = Object.freeze({});

const createPath = (prev: Path, key: string | number, typename: string | undefined): ResponsePath => ({
  prev,
  key,
  typename,
});

const createFieldPath = ({ name, parentType }: PlannedField, parentPath: Path): ResponsePath =>
  createPath(parentPath, name, parentType.name);

const describe = ({ parentType, definition }: PlannedField): string => `${parentType.name}.${definition.name}`;

const createNullError = (field: PlannedField): Error =>
  new Error(`Cannot return null for non-nullable field ${describe(field)}.`);

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && typeof (value as Iterable<unknown>)[Symbol.iterator] === 'function';

/** Calls `use` with the values when the promises among them are fulfilled. */
function awaitAll(values: readonly MaybePromise<Text>[], use: (all: readonly Text[]) => string): Promise<string> {
  const promises = values.filter(isPromise) as Promise<Text>[];
  return Promise.all(promises).then((resolved) => {
    let next = 0;
    return use(values.map((value) => (isPromise(value) ? resolved[next++] : value)));
  });
}

function joinItems(completed: Completed): Text {
  if (!Array.isArray(completed)) return completed;
  return `[${completed.map((item) => item ?? 'null').join(',')}]`;
}

/** Leaves values out that have no JSON, as JSON.stringify does. */
function writeObject(fields: readonly PlannedField[], values: readonly Text[]): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 1) {
    const value = values[i];
    if (value === undefined) continue;
    text += text === '' ? '{' : ',';
    text += fields[i]!.key;
    text += value ?? 'null';
  }
  return text === '' ? '{}' : `${text}}`;
}
