import {
  buildSchema,
  execute,
  getNullableType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  responsePathAsArray,
  validate,
  type DefinitionNode,
  type DocumentNode,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLScalarType,
} from 'graphql';
import { OperationPlans } from '../../src/transport/execution/operation-plans.js';
import { getUsedMemory } from '../kit/heap.js';
import { createRandom } from '../kit/random.js';

const SDL = `
  scalar Moment
  enum Color { RED GREEN }
  input Range { from: Int = 1, to: [Int!] }
  interface Named { text: String }
  union Any = Thing | Other
  type Other { text: String }
  type Thing implements Named {
    id: ID! text: String label: String! count: Int ratio: Float isGood: Boolean! color: Color colors: [Color!]
    moment: Moment numbers: [Int] strict: [Int!]! thing: Thing needed: Thing! things: [Thing] all: [Thing!]! some: [Thing!]
    echo(a: Int = 3, b: String, range: Range, color: Color! = RED): String
    named: Named any: Any matrix: [[Int]]
  }
  type Query { thing: Thing needed: Thing! things: [Thing!] all: [Thing!]! text: String count: Int! }
  type Mutation { thing: Thing needed: Thing! things: [Thing!] all: [Thing!]! label: String! }
  type Subscription { thing: Thing }
`;

const LEAVES = ['id', 'text', 'label', 'count', 'ratio', 'isGood', 'color', 'colors', 'moment', 'numbers', 'strict'];
const OBJECTS = ['thing', 'needed', 'things', 'all', 'some'];

const TEXTS = ['plain', '', '"\\\n\t\u0001', '\u2028\u2029', '\ud800 alone', '🌱👩‍🚀', '</script>'];

type Random = () => number;
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

/** Records the calls of resolvers, whose results depend only on the seed and their path. */
class World {
  readonly schema = buildSchema(SDL);
  calls: string[] = [];

  constructor(
    readonly seed: number,
    /** The share of values that are wrong. */
    readonly failures: number,
  ) {
    const moment = this.schema.getType('Moment') as GraphQLScalarType;
    moment.serialize = (value) => (value === 'never' ? null : value === 'function' ? () => {} : { at: String(value) });
    for (const type of Object.values(this.schema.getTypeMap()).filter(isObjectType)) {
      if (type.name.startsWith('__')) continue;
      // Texts are properties.
      for (const field of Object.values(type.getFields()))
        if (field.name !== 'text') field.resolve = (...call) => this.#resolve(...call);
    }
  }

  #resolve(_source: unknown, args: object, context: unknown, info: GraphQLResolveInfo): unknown {
    const path = responsePathAsArray(info.path).join('.');
    const { fieldName, parentType, returnType, operation, fragments, variableValues, rootValue } = info;
    const names = [String(parentType), fieldName, String(returnType), operation.name?.value, Object.keys(fragments)];
    const isOfSchema = info.schema === this.schema;
    this.calls.push(
      JSON.stringify([path, args, context, names, variableValues, rootValue, info.fieldNodes.length, isOfSchema]),
    );
    let hash = this.seed;
    for (const character of path) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) | 0;
    const random = createRandom(hash);
    return this.#deliver(random, () => this.#create(random, returnType));
  }

  /** At once, or some turns later. */
  #deliver(random: Random, create: () => unknown): unknown {
    const delay = random();
    const turns = Math.floor(random() * 4);
    const fails = random() < this.failures;
    const value = () => {
      if (fails) throw random() < 0.5 ? new Error(`It fails ${random()}.`) : 'no error object';
      return create();
    };
    if (delay < 0.5) return value();
    return (async () => {
      for (let i = 0; i < turns; i += 1) await Promise.resolve();
      return value();
    })();
  }

  #create(random: Random, type: GraphQLOutputType): unknown {
    if (random() < this.failures)
      return pick(random, [
        null,
        undefined,
        new Error('An error as a value.'),
        'wrong',
        2 ** 40,
        3n,
        Symbol('s'),
        {},
        'never',
      ]);
    const nullable = getNullableType(type);
    if (nullable === type && random() < 0.2) return null;
    if (isListType(nullable)) {
      const itemType = nullable.ofType;
      // If an item of a list throws, graphql-js leaves the promises of the other items alone, and Node.js exits.
      const isAsync = this.failures > 0 && isNonNullType(itemType);
      const items = Array.from({ length: Math.floor(random() * 4) }, () => {
        const deliver = () => this.#deliver(random, () => this.#create(random, itemType));
        return isAsync ? Promise.resolve().then(deliver) : deliver();
      });
      return random() < 0.7 ? items : new Set(items);
    }
    if (isObjectType(nullable)) return this.#createThing(random);
    if (isEnumType(nullable)) return pick(random, ['RED', 'GREEN']);
    const values: Record<string, readonly unknown[]> = {
      ID: ['a', 7, '"'],
      Int: [0, -0, 5, -(2 ** 31), 2 ** 31 - 1, true, '12'],
      Float: [0.1, 1e300, -0, '2.5'],
      Boolean: [true, false, 0, 1],
      Moment: [1, 'then', 'function'],
    };
    return pick(random, values[String(nullable)] ?? [...TEXTS, 12, true, { valueOf: () => 'value' }]);
  }

  #createThing(random: Random): object {
    const text = pick(random, TEXTS);
    const properties = [
      { text },
      { text: () => text },
      { text: Promise.resolve(text) },
      {
        get text() {
          return text;
        },
      },
      {},
    ];
    return pick(random, properties);
  }
}

/** Creates a valid document with aliases, fragments, directives and arguments. */
function createDocument(random: Random): string {
  let names = 0;
  const fragments: string[] = [];
  const alias = () => (random() < 0.3 ? pick(random, ['a', 'b', '__proto__', `n${(names += 1)}`]) : null);
  const directive = () =>
    pick(random, ['', '', '', '', ' @include(if: true)', ' @skip(if: false)', ' @skip(if: true)']);
  const echo = () =>
    pick(random, [
      '',
      '(a: $a)',
      '(b: "x", range: {to: 3})',
      '(range: {from: $a, to: [1]}, color: GREEN)',
      '(a: null, b: $b)',
    ]);
  const withAlias = (field: string): string => {
    const name = alias();
    // The same name for two different fields would conflict.
    return `${name ? `${name}_${field}:` : ''}${field}`;
  };
  const leaf = (): string => {
    if (random() < 0.1) return `${withAlias('__typename')}${directive()}`;
    if (random() < 0.1) return `e${(names += 1)}: echo${echo()}${directive()}`;
    return `${withAlias(pick(random, LEAVES))}${directive()}`;
  };
  const selection = (depth: number): string => {
    const parts: string[] = [leaf()];
    for (let count = Math.floor(random() * 5); count > 0; count -= 1) {
      const kind = random();
      if (depth === 0 || kind < 0.5) parts.push(leaf());
      else if (kind < 0.8) parts.push(`${withAlias(pick(random, OBJECTS))}${directive()} { ${selection(depth - 1)} }`);
      else if (kind < 0.9) parts.push(`... on Thing${directive()} { ${selection(depth - 1)} }`);
      else {
        const name = `F${(names += 1)}`;
        fragments.push(`fragment ${name} on Thing { ${selection(depth - 1)} }`);
        parts.push(`...${name}${directive()}`);
      }
    }
    return parts.join(' ');
  };
  const roots = Array.from(
    { length: 1 + Math.floor(random() * 3) },
    () => `${withAlias(pick(random, ['thing', 'needed', 'things', 'all']))} { ${selection(2)} }`,
  );
  const use = 'used: thing { echo(a: $a, b: $b) }';
  const operation =
    random() < 0.7
      ? `query Q($a: Int, $b: String) { ${roots.join(' ')} text count __typename ${use} }`
      : `mutation M($a: Int, $b: String) { ${roots.join(' ')} label ${use} }`;
  return `${operation} ${fragments.join(' ')}`;
}

/** Resolves when the resolvers below a field that has failed have ended, too. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const CONTEXT = { of: 'the request' };

async function compare(world: World, document: DocumentNode, variables: Record<string, unknown>): Promise<boolean> {
  const { schema } = world;
  world.calls = [];
  const { data, errors } = await execute({ schema, document, variableValues: variables, contextValue: CONTEXT });
  const expected = { data: JSON.stringify(data), errors: JSON.stringify(errors ?? []) };
  await settled();
  const expectedCalls = world.calls;
  world.calls = [];
  const execution = new OperationPlans(schema).prepare({ document, variables, contextValue: CONTEXT });
  if (!execution) return false;
  const written = await execution.run();
  expect({ data: written.data, errors: JSON.stringify(written.errors) }).toEqual(expected);
  await settled();
  expect(world.calls).toEqual(expectedCalls);
  return true;
}

test.each([0, 0.02, 0.15])(
  'a planned operation has the result of graphql-js when %d of the values fail',
  async (failures) => {
    let compared = 0;
    for (let seed = 1; seed <= 150; seed += 1) {
      const world = new World(seed, failures);
      const document = parse(createDocument(createRandom(seed)));
      if (validate(world.schema, document).length > 0) continue;
      if (await compare(world, document, pick(createRandom(seed), [{}, { a: 5, b: 'b' }, { a: null }]))) compared += 1;
    }
    expect(compared).toBeGreaterThan(40);
  },
);

test('plans keep few long documents', async () => {
  const { schema } = new World(1, 0);
  const plans = new OperationPlans(schema);
  const operations: WeakRef<DefinitionNode>[] = [];
  for (let i = 0; i < 100; i += 1) {
    const document = parse(`{ text } # ${i} ${'x'.repeat(90_000)}`);
    expect(plans.prepare({ document, contextValue: CONTEXT })).not.toBeNull();
    operations.push(new WeakRef(document.definitions[0]!));
  }
  // A WeakRef keeps its operation until the end of the task.
  await settled();
  getUsedMemory();
  expect(operations.filter((operation) => operation.deref()).length).toBeLessThan(20);
  // Keeps the plans until here.
  expect(plans.prepare({ document: parse('{ text }'), contextValue: CONTEXT })).not.toBeNull();
});
