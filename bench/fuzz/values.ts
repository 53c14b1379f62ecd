import type { Random } from './random.js';

/** Texts that parsers, databases and log writers are known to stumble over. */
const HOSTILE_TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udc00y',
  '\ufeff',
  '\u202eevil',
  '\u200b',
  '💥'.repeat(50),
  'e\u0301'.repeat(200),
  "'; drop table users; --",
  '" or ""="',
  '%',
  '%_%\\',
  '*',
  '"unclosed',
  'a AND b OR NOT "c" NEAR(d)',
  '-1',
  '1e999',
  '9007199254740993',
  'NaN',
  'null',
  'undefined',
  '[object Object]',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '../../../../etc/passwd',
  '%00',
  '%',
  '%zz',
  '<script>alert(1)</script>',
  '${7*7}{{7*7}}',
  'a\r\nset-cookie: b=c',
  '1970-01-01T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  'a@b',
  'a@b.c',
  '日本語のテキスト',
  'x'.repeat(10_000),
  'x'.repeat(200_000),
];

const NUMBERS = [0, -0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e308, 0.1, -0.5, 100, 101];

const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'length', 'then', 'input', 'id', '', 'a b', '\0'];

export function createText(random: Random): string {
  if (random.chance(0.6)) return random.pick(HOSTILE_TEXTS);
  return String.fromCodePoint(...random.list(0, 30, () => random.int(0, random.pick([127, 255, 0xd7ff, 0x10ffff]))));
}

/** Creates any JSON value. */
export function createValue(random: Random, depth = 3): unknown {
  const kind = random.int(0, depth > 0 ? 7 : 4);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return random.pick(NUMBERS);
  if (kind <= 4) return createText(random);
  if (kind === 5) return random.list(0, random.pick([1, 3, 50]), () => createValue(random, depth - 1));
  return createObject(random, depth);
}

/** Creates any JSON object. It may have a member `__proto__`, as the result of JSON.parse. */
export function createObject(random: Random, depth = 3): Record<string, unknown> {
  return Object.fromEntries(
    random.list(0, random.pick([2, 5, 60]), () => [
      random.chance(0.5) ? random.pick(KEYS) : createText(random).slice(0, 100),
      createValue(random, depth - 1),
    ]),
  );
}

/** Creates JSON that nests too deeply for a recursive algorithm. */
export function createDeepJson(random: Random): string {
  const depth = random.pick([100, 2_000, 50_000]);
  return random.chance(0.5)
    ? `${'['.repeat(depth)}${']'.repeat(depth)}`
    : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

/** Damages a text: removes, repeats, replaces or inserts parts of it. */
export function mutate(random: Random, text: string, tokens: readonly string[]): string {
  let result = text;
  for (let i = random.int(1, 4); i > 0; i -= 1) {
    const from = random.int(0, result.length);
    const to = Math.min(result.length, from + random.int(0, 12));
    const [before, part, after] = [result.slice(0, from), result.slice(from, to), result.slice(to)];
    result = random.pick([
      () => before + after,
      () => before + part + part + after,
      () => before + random.pick(tokens) + after,
      () => before + part + random.pick(tokens) + after,
      () => before + createText(random).slice(0, 500) + after,
      () => before,
    ])();
  }
  return result;
}
