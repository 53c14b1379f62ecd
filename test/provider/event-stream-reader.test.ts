import { EventStreamReader, type StreamEvent } from '../../src/platform/model/event-stream-reader.js';
import { fc, splitBytes, splitText } from '../kit/property.js';

const LINES = [
  'data: one',
  'data:two',
  'data',
  'data:  🌱 three',
  'event: error',
  'id: 1',
  ': comment',
  'retry: 5',
  '',
];
const STREAMS = fc
  .tuple(
    fc.constantFrom('', '\ufeff'),
    fc.array(fc.tuple(fc.constantFrom(...LINES, '', ''), fc.constantFrom('\n', '\r', '\r\n'))),
  )
  .map(([mark, lines]) => mark + lines.map((line) => line.join('')).join(''));

function read(chunks: readonly Buffer[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = new EventStreamReader((event) => events.push(event));
  for (const chunk of chunks) reader.write(chunk);
  return events;
}

/** What the specification says about a stream, computed from the whole text line by line. */
function specified(text: string): StreamEvent[] {
  const events: StreamEvent[] = [];
  let data: string[] = [];
  let name: string | undefined;
  for (const line of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .slice(0, -1)) {
    if (line === '') {
      if (data.length > 0) events.push({ name, data: data.join('\n') });
      data = [];
      name = undefined;
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (field === 'data') data.push(value);
    if (field === 'event') name = value || undefined;
  }
  return events;
}

describe('reading Server-Sent Events', () => {
  test('fields, comments and several lines of data are read as specified', () => {
    const stream =
      'data: one\n\n: a comment\nevent: x\ndata:two\r\n\r\ndata: 🌱 three\ndata:  four\n\ndata: unfinished\n';
    expect(read([Buffer.from(stream)])).toEqual([
      { name: undefined, data: 'one' },
      { name: 'x', data: 'two' },
      { name: undefined, data: '🌱 three\n four' },
    ]);
  });

  test('the same bytes give the specified events, wherever they are split and whatever ends their lines', () => {
    fc.assert(
      fc.property(splitText(STREAMS), ({ text, chunks }) => {
        expect(read(chunks)).toEqual(specified(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('bytes that are not UTF-8 give the same events, wherever they are split', () => {
    const pieces = fc.oneof(
      fc.constantFrom('data: ', '\n', '\r', '\r\n', '\n\n', ':', '🌱', '\ufeff').map((text) => Buffer.from(text)),
      fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    );
    const streams = fc.array(pieces, { maxLength: 20 }).map((all) => Buffer.concat(all));
    fc.assert(
      fc.property(splitBytes(streams), ({ bytes, chunks }) => {
        expect(read(chunks)).toEqual(read([bytes]));
      }),
      { numRuns: 2_000 },
    );
  });

  test('an event that ends with a lone CR is delivered before further bytes arrive', () => {
    expect(read([Buffer.from('data: one\r\r')])).toEqual([{ name: undefined, data: 'one' }]);
  });

  test('an error field, as older llama.cpp servers send it, is an error event', () => {
    expect(read([Buffer.from('error: {"code":400}\n\n')])).toEqual([{ name: 'error', data: '{"code":400}' }]);
  });

  test('an event without an end is not buffered without limit', () => {
    expect(() => read([Buffer.from('data: '), Buffer.alloc(2_000_000, 'x')])).toThrow('exceeded');
  });
});
