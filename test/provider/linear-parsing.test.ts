import { CompletionReader } from '../../src/platform/model/completion-reader.js';
import { EventStreamReader } from '../../src/platform/model/event-stream-reader.js';
import { expectLinearCost } from '../kit/cost.js';
import { event, textEvent } from '../kit/raw-provider.js';

/** Reads a text in writes of `width` bytes, as a completion. */
function read(text: string, width: number): void {
  const reader = new CompletionReader('m', 1_000_000, { onText: () => {}, onReasoning: () => {} });
  const events = new EventStreamReader((event) => reader.read(event));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += width) events.write(bytes.subarray(at, at + width));
}

/** What a provider sends, of about this length. */
const inputs: Record<string, (length: number) => string> = {
  'one event': (length) => textEvent('x'.repeat(length)),
  'one event with many lines of data': (length) => `${'data: \n'.repeat(length / 7)}data: {}\n\n`,
  'events of one character': (length) => textEvent('x').repeat(length / 80),
  'events without content': (length) => event({ choices: [] }).repeat(length / 20),
  'one comment': (length) => `:${'x'.repeat(length)}\n`,
  'an unknown field': (length) => `${'x'.repeat(length)}\n`,
  'blank lines with one CR at the end': (length) => `${'\n'.repeat(length)}\r\n`,
  'blank lines with one LF at the end': (length) => `${'\r'.repeat(length)}x\n`,
  'tags of reasoning': (length) => textEvent('<think></think>'.repeat(length / 15)),
  'reasoning that looks like tags': (length) => textEvent(`<think>${'</thin'.repeat(length / 6)}`),
  'whitespace before tags': (length) => textEvent(`${' '.repeat(900)}<think> </think>`.repeat(length / 916)),
  'events of whitespace': (length) => textEvent(' ').repeat(length / 80),
};

describe.each([100, 1_000_000])('in writes of %d bytes, the cost grows with the length of the stream', (width) => {
  test.each(Object.entries(inputs))('%s', (_name, create) => {
    const texts = new Map([240_000, 960_000].map((length) => [length, create(length)]));
    expectLinearCost(960_000, (length) => read(texts.get(length)!, width));
  });
});
