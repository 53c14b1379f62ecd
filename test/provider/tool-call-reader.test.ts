import fc from 'fast-check';
import { ToolCallReader } from '../../src/platform/model/tool-call-reader.js';

const read = (...deltas: { tool_calls?: unknown; function_call?: unknown }[]) => {
  const reader = new ToolCallReader();
  for (const { tool_calls, function_call } of deltas) reader.add(tool_calls, function_call);
  return reader.complete();
};
const calls = (...deltas: { tool_calls?: unknown; function_call?: unknown }[]) =>
  read(...deltas).map(({ name, arguments: given }) => [name, given]);

const fn = (name: string | undefined, given?: unknown) => ({ function: { name, arguments: given } });

describe('the calls of a completion', () => {
  test.each<[string, Parameters<typeof calls>, [string, string][]]>([
    [
      'pieces by index',
      [
        { tool_calls: [{ index: 0, id: 'a', ...fn('search', '') }] },
        { tool_calls: [{ index: 0, ...fn(undefined, '{"q":') }] },
        {
          tool_calls: [
            { index: 1, id: 'b', ...fn('get', '{"s"') },
            { index: 0, ...fn(undefined, '1}') },
          ],
        },
        { tool_calls: [{ index: 1, ...fn('', ':2}') }] },
      ],
      [
        ['search', '{"q":1}'],
        ['get', '{"s":2}'],
      ],
    ],
    [
      'several in one chunk, without ids and indexes',
      [{ tool_calls: [fn('search', '{"q":1}'), fn('search', '{"q":2}'), fn('get')] }],
      [
        ['search', '{"q":1}'],
        ['search', '{"q":2}'],
        ['get', '{}'],
      ],
    ],
    [
      'one index for all, with different ids',
      [
        { tool_calls: [{ index: 0, id: 'a', ...fn('search', '{}') }] },
        { tool_calls: [{ index: 0, id: 'b', ...fn('get', '{}') }] },
      ],
      [
        ['search', '{}'],
        ['get', '{}'],
      ],
    ],
    [
      'one index for all, without ids',
      [{ tool_calls: [{ index: 0, ...fn('search', '{}') }] }, { tool_calls: [{ index: 0, ...fn('get', '{}') }] }],
      [
        ['search', '{}'],
        ['get', '{}'],
      ],
    ],
    [
      'id and name in each piece',
      [
        { tool_calls: [{ index: 0, id: 'a', ...fn('search', '{"q"') }] },
        { tool_calls: [{ index: 0, id: 'a', ...fn('search', ':1}') }] },
      ],
      [['search', '{"q":1}']],
    ],
    [
      'arguments as an object',
      [{ tool_calls: [{ index: 0, id: 'a', ...fn('search', { q: 1 }) }] }],
      [['search', '{"q":1}']],
    ],
    [
      'no list, and no object `function`',
      [{ tool_calls: { name: 'search', arguments: { q: 1 } } }],
      [['search', '{"q":1}']],
    ],
    [
      'function_call in pieces',
      [
        { function_call: { name: 'search', arguments: '' } },
        { function_call: { arguments: '{"q"' } },
        { function_call: { arguments: ':1}' } },
      ],
      [['search', '{"q":1}']],
    ],
    ['nonsense', [{ tool_calls: [null, 1, 'x', [], {}, { index: 'a', function: 3 }] }, { tool_calls: 'x' }], []],
  ])('%s', (_case, deltas, expected) => {
    expect(calls(...deltas)).toEqual(expected);
  });

  test('each call has an id of its own, and keeps what the provider requires back', () => {
    const extra = { google: { thought_signature: 'x' } };
    const found = read({
      tool_calls: [
        { index: 0, id: 'same', ...fn('a', '{}'), extra_content: extra },
        { index: 1, ...fn('b', '{}') },
        { index: 2, id: '', ...fn('c', '{}') },
      ],
    });
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
    expect(found[0]).toMatchObject({ id: 'same', extraContent: extra });
    expect(found[1]!.id).toMatch(/^[A-Za-z0-9]{9}$/);
  });

  const call = fc.record({
    name: fc.constantFrom('search', 'get', 'stock'),
    given: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
  });
  const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 6 });

  test('all cuts of the arguments give the same calls, by index, by id, or in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(call, cuts), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('index', 'id', 'both', 'order'),
        (given, style) => {
          const mark = (i: number) => ({
            ...(style === 'index' || style === 'both' ? { index: i } : {}),
            ...(style === 'id' || style === 'both' ? { id: `call-${i}` } : {}),
          });
          const deltas = given.flatMap(([{ name, given: value }, places], i) => {
            const json = JSON.stringify(value);
            const bounds = [
              0,
              ...places.map((place) => Math.min(place, json.length)).sort((a, b) => a - b),
              json.length,
            ];
            const pieces = bounds.slice(1).map((end, j) => json.slice(bounds[j], end));
            return pieces.map((piece, j) => ({
              tool_calls: [{ ...mark(i), ...fn(j === 0 ? name : undefined, piece) }],
            }));
          });
          expect(calls(...deltas)).toEqual(given.map(([{ name, given: value }]) => [name, JSON.stringify(value)]));
        },
      ),
    );
  });

  test('no input makes it fail, and it keeps at most 32 calls', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ tool_calls: fc.jsonValue(), function_call: fc.jsonValue() })), (deltas) => {
        expect(read(...deltas).length).toBeLessThanOrEqual(32);
      }),
    );
    const many = Array.from({ length: 100 }, (_, index) => ({ index, ...fn('search', '{}') }));
    expect(read({ tool_calls: many })).toHaveLength(32);
  });
});
