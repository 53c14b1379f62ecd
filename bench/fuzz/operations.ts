import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
} from 'graphql';
import { packageRoot } from '../../src/platform/config/package-root.js';
import type { Random } from './random.js';
import { createObject, createText, createValue, mutate } from './values.js';

export interface FuzzedOperation {
  query: string;
  operationName?: unknown;
  variables?: unknown;
  extensions?: unknown;
}

const schema = buildSchema(readFileSync(join(packageRoot, 'schema/schema.graphql'), 'utf8'));

/** Pieces of documents that replace others. */
const TOKENS = [
  '{', '}', '(', ')', '[', ']', ':', '!', '=', '@', '$', '...', '|', '&', '"', '"""', '\\', '#', ',', '\ufeff',
  'query', 'mutation', 'subscription', 'fragment F on Query { ...F }', '...F', '... on Query', '... on Message',
  'on', 'null', 'true', '$a', '$input', '@include(if: $a)', '@skip(if: true)', '@include(if: false)', '@defer',
  '@stream(initialCount: 1)', '@oneOf', '@deprecated', '__typename', '__schema { types { name } }',
  '__type(name: "User") { name fields { name } }', 'type A { b: C }', 'schema { query: A }', 'extend type Query { a: Int }',
  '1', '-0', '1e400', '99999999999999999999', '0x1', '.5', '"\\u{110000}"', '"\\uD800"', '"\\z"', 'a: me { id }',
  'id', '{ me { id } }', 'first: -1', 'after: ""', '($a: Int = 1, $a: [String!]!)', '$a: Unknown', '$a: User',
]; // prettier-ignore

/** Probability that a value has the type that the schema requires. */
const VALID = 0.85;

const MAX_DEPTH = 4;

/** Creates an operation from the schema: valid for the most part. @param ids ids that exist, and may belong to others */
export function createOperation(random: Random, ids: readonly string[]): FuzzedOperation {
  return new OperationBuilder(random, ids).build();
}

/** Creates an operation whose document is damaged. */
export function createDamagedOperation(random: Random, ids: readonly string[]): FuzzedOperation {
  const operation = createOperation(random, ids);
  if (random.chance(0.7)) return { ...operation, query: mutate(random, operation.query, TOKENS) };
  return { ...operation, query: createExtremeDocument(random, operation.query) };
}

/** Creates an operation whose other members may have any type. */
export function createDamagedRequest(random: Random, ids: readonly string[]): FuzzedOperation {
  const operation = createOperation(random, ids);
  const { variables } = operation as { variables: Record<string, unknown> };
  const name = random.pick(Object.keys(variables).concat('unknown'));
  const damages: (() => object)[] = [
    () => ({ variables: createValue(random) }),
    () => ({ variables: { ...variables, [name]: createValue(random) } }),
    () => ({ variables: { ...variables, [name]: createObject(random) } }),
    () => ({ variables: { ...variables, ...createObject(random) } }),
    () => ({ operationName: createValue(random, 1) }),
    () => ({ extensions: createValue(random) }),
    () => ({ extensions: createExtensions(random) }),
    () => ({ query: createValue(random, 1) }),
    () => ({ documentId: createValue(random, 1), query: random.chance(0.5) ? undefined : operation.query }),
    () => createObject(random),
  ];
  return { ...operation, ...random.pick(damages)() };
}

function createExtensions(random: Random): object {
  const hash = random.chance(0.5) ? random.bytes(32).toString('hex') : createValue(random, 1);
  return {
    persistedQuery: random.chance(0.8)
      ? { version: random.pick([1, 2, '1', null]), sha256Hash: hash }
      : createValue(random),
    operationId: createValue(random, 1),
  };
}

function createExtremeDocument(random: Random, query: string): string {
  const count = random.pick([20, 300, 5_000]);
  return random.pick([
    () => `${'{a'.repeat(count)}${'}'.repeat(count)}`,
    () => `{ ${'me { id } '.repeat(count)} }`,
    () => `{ ${Array.from({ length: count }, (_, i) => `a${i}: me { id }`).join(' ')} }`,
    () => `query(${Array.from({ length: count }, (_, i) => `$a${i}: Int`).join(' ')}) { me { id } }`,
    () => `{ emailAvailable(email: ${'['.repeat(count)}${']'.repeat(count)}) }`,
    () => `{ emailAvailable(email: ${'{a:'.repeat(count)}1${'}'.repeat(count)}) }`,
    () => `query ($a: ${'['.repeat(count)}Int${']'.repeat(count)}) { me { id } }`,
    () => `{ me ${'@include(if: true) '.repeat(count)}{ id } }`,
    () => Array.from({ length: count }, (_, i) => `fragment F${i} on User { ...F${i + 1} }`).join(' ') + '{ me { ...F0 } }',
    () => Array.from({ length: count }, (_, i) => `query Q${i} { me { id } }`).join(' '),
    () => `${query} ${query}`,
    () => `#${'x'.repeat(count)}\n${query}`,
    () => `${'\ufeff'.repeat(count)}${query}`,
    () => `{ emailAvailable(email: """${'"'.repeat(count)}`,
    () => `{ emailAvailable(email: "${'\\u{0041}'.repeat(count)}") }`,
    () => createText(random),
  ])(); // prettier-ignore
}

class OperationBuilder {
  readonly #definitions: string[] = [];
  readonly #variables: Record<string, unknown> = {};
  readonly #fragments: string[] = [];

  constructor(
    private readonly random: Random,
    private readonly ids: readonly string[],
  ) {}

  build(): FuzzedOperation {
    const { random } = this;
    const kind = random.pick(['query', 'query', 'mutation', 'subscription'] as const);
    const root = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() }[kind]!; // prettier-ignore
    const fields = Object.values(root.getFields());
    const selections = random.list(1, kind === 'query' ? 3 : 1, () => this.#field(random.pick(fields), 0));
    if (random.chance(0.1)) selections.push(`... on ${root.name} { ${this.#field(random.pick(fields), 0)} }`);
    const name = random.chance(0.3) ? 'Fuzzed' : '';
    const definitions = this.#definitions.length > 0 ? `(${this.#definitions.join(', ')})` : '';
    return {
      query: `${kind} ${name}${definitions} { ${selections.join(' ')} } ${this.#fragments.join(' ')}`,
      variables: this.#variables,
      ...(name && random.chance(0.8) ? { operationName: name } : {}),
    };
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const { random } = this;
    const args = field.args
      .filter(({ type }) => isNonNullType(type) || random.chance(0.5))
      .map(({ name, type }) => `${name}: ${random.chance(0.7) ? this.#variable(type) : this.#literal(this.#value(type), type)}`); // prettier-ignore
    const alias = random.chance(0.1) ? `${random.pick(['a', 'b', '__proto__', 'constructor', field.name])}: ` : '';
    const directive = random.chance(0.06)
      ? ` @${random.pick(['include', 'skip'])}(if: ${random.chance(0.5) ? this.#boolean() : random.pick(['true', 'false'])})`
      : '';
    return `${alias}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}${directive}${this.#selection(field.type, depth + 1)}`;
  }

  #selection(type: GraphQLOutputType, depth: number): string {
    const { random } = this;
    const named = getNamedType(type);
    const parts = this.#fieldsOf(named, depth);
    if (parts === null) return '';
    if (isAbstractType(named))
      for (const possible of schema.getPossibleTypes(named))
        if (random.chance(0.6)) parts.push(`... on ${possible.name} { ${this.#fieldsOf(possible, depth)!.join(' ')} }`);
    if (random.chance(0.05)) {
      const name = `F${this.#fragments.length}`;
      // The index is reserved first, because the fragment may contain others, or itself.
      this.#fragments.push('');
      const inner = random.chance(0.1) ? `...${name}` : this.#fieldsOf(named, depth)!.join(' ');
      this.#fragments[Number(name.slice(1))] = `fragment ${name} on ${named.name} { ${inner} }`;
      parts.push(`...${name}`);
    }
    return ` { ${parts.join(' ')} }`;
  }

  /** Returns null for a type that has no fields. Abstract types have those of their interface. */
  #fieldsOf(type: GraphQLNamedType, depth: number): string[] | null {
    const { random } = this;
    if (!isObjectType(type) && !isAbstractType(type)) return null;
    const all = 'getFields' in type ? Object.values(type.getFields()) : [];
    const usable = all.filter((field) => depth < MAX_DEPTH || this.#isLeaf(field.type));
    const parts = usable.length > 0 ? random.list(1, 5, () => this.#field(random.pick(usable), depth)) : [];
    if (parts.length === 0 || random.chance(0.1)) parts.push('__typename');
    return [...new Set(parts)];
  }

  #isLeaf(type: GraphQLOutputType): boolean {
    const named = getNamedType(type);
    return !isObjectType(named) && !isAbstractType(named);
  }

  #variable(type: GraphQLInputType): string {
    const name = `v${this.#definitions.length}`;
    this.#definitions.push(`$${name}: ${String(type)}`);
    this.#variables[name] = this.random.chance(VALID) ? this.#value(type) : createValue(this.random);
    return `$${name}`;
  }

  #boolean(): string {
    const name = `v${this.#definitions.length}`;
    this.#definitions.push(`$${name}: Boolean!`);
    this.#variables[name] = this.random.chance(0.9) ? this.random.chance(0.5) : createValue(this.random, 1);
    return `$${name}`;
  }

  #value(type: GraphQLInputType): unknown {
    const { random } = this;
    if (isNonNullType(type)) return this.#value(type.ofType);
    if (random.chance(0.05)) return null;
    if (isListType(type)) return random.list(0, 3, () => this.#value(type.ofType));
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      const given = type.isOneOf
        ? [random.pick(fields)]
        : fields.filter(({ type: required }) => isNonNullType(required) || random.chance(0.5));
      return Object.fromEntries(given.map((field) => [field.name, this.#value(field.type)]));
    }
    switch (getNamedType(type).name) {
      case 'ID':
        return random.chance(0.8) && this.ids.length > 0 ? random.pick(this.ids) : createText(random);
      case 'Int':
        return random.pick([0, 1, 2, 10, 20, 100, 101, -1, 2 ** 31 - 1]);
      case 'Float':
        return random.pick([0, 1, 9.99, -1, 1e300]);
      case 'Boolean':
        return random.chance(0.5);
      case 'DateTimeISO':
        return random.pick(['2026-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 'yesterday', '']);
      default:
        return random.pick([
          () => `fuzz-${random.int(0, 5)}@example.com`,
          () => 'a password of the fuzzer',
          () => 'tent stove lamp',
          () => random.pick([...this.ids, 'x']),
          () => createText(random),
        ])();
    }
  }

  /** Writes a value as a literal of the query language. */
  #literal(value: unknown, type: GraphQLInputType | null): string {
    const named = type && getNamedType(type);
    if (Array.isArray(value)) return `[${value.map((item) => this.#literal(item, named)).join(', ')}]`;
    if (typeof value === 'object' && value !== null) {
      const fields = isInputObjectType(named) ? named.getFields() : {};
      const members = Object.entries(value).map(([name, item]) => `${name}: ${this.#literal(item, fields[name]?.type ?? null)}`); // prettier-ignore
      return `{${members.join(', ')}}`;
    }
    return isEnumType(named) && typeof value === 'string' ? value : JSON.stringify(value);
  }
}
