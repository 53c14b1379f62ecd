import { ServerSentEventReader } from '../../src/platform/model/server-sent-events.js';

describe('reading Server-Sent Events', () => {
  const read = (chunks: readonly Buffer[]): string[] => {
    const events: string[] = [];
    const reader = new ServerSentEventReader((data) => events.push(data));
    for (const chunk of chunks) reader.write(chunk);
    return events;
  };
  const STREAM =
    'data: one\n\n: a comment\nevent: x\ndata:two\r\n\r\ndata: 🌱 three\ndata:  four\nid: 1\n\n\n\ndata: unfinished\n';
  const EVENTS = ['one', 'two', '🌱 three\n four'];

  test('at once', () => expect(read([Buffer.from(STREAM)])).toEqual(EVENTS));

  test('however the bytes are cut', () => {
    const bytes = Buffer.from(STREAM);
    for (let size = 1; size < 12; size += 1) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(read(chunks)).toEqual(EVENTS);
    }
  });

  test('an event without an end is not held for ever', () => {
    expect(() => read([Buffer.from('data: '), Buffer.alloc(2_000_000, 'x')])).toThrow('too long');
  });
});
