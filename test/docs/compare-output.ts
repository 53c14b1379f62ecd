/**
 * Compares the output of a command with the one that a page shows. A line `…` stands for any lines, and a text that ends
 * with `…` for any text. Values in JSON, such as ids, may differ: they are added to `values`, by the value of the page.
 */
export function compareOutput(shown: string, actual: string, values: Map<string, string>): void {
  const lines = actual.trim().split('\n');
  const [head = [], tail = []] = splitAt(shown.trim().split('\n'), '…');
  if (tail.length > 0) expect(lines.length).toBeGreaterThanOrEqual(head.length + tail.length);
  else expect(lines).toHaveLength(head.length);
  head.forEach((line, i) => compareJson(JSON.parse(line), JSON.parse(lines[i]!), values));
  tail.forEach((line, i) => compareJson(JSON.parse(line), JSON.parse(lines.at(i - tail.length)!), values));
}

function splitAt(lines: string[], separator: string): string[][] {
  const index = lines.indexOf(separator);
  return index === -1 ? [lines] : [lines.slice(0, index), lines.slice(index + 1)];
}

/** Compares the shapes: the fields, and the types of their values. */
function compareJson(shown: unknown, actual: unknown, values: Map<string, string>): void {
  expect(typeof actual).toBe(typeof shown);
  if (typeof shown === 'string' && shown !== actual) values.set(shown, actual as string);
  if (typeof shown !== 'object' || shown === null) return;
  expect(Object.keys(actual!)).toEqual(Object.keys(shown));
  for (const [name, value] of Object.entries(shown))
    compareJson(value, (actual as Record<string, unknown>)[name], values);
}
