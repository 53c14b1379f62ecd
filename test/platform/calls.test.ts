import { MemoryBus } from '../../src/platform/pubsub/bus.js';
import { Calls } from '../../src/platform/pubsub/calls.js';

describe('calls from one instance to another', () => {
  const bus = new MemoryBus();
  const instance = (name: string, reply: (question: string) => Promise<string>) => new Calls(bus, name, reply, 50);

  test('the one that is asked answers, each what it was asked', async () => {
    using asker = instance('echo', async () => 'nobody asks me');
    using echo = instance('echo', async (question) => `${question}!`);
    const answers = ['one', 'two', 'three'].map((question) => asker.ask(echo.instance, question));
    expect(await Promise.all(answers)).toEqual(['one!', 'two!', 'three!']);
  });

  test('who is gone, fails or takes too long is not waited for', async () => {
    using asker = instance('silent', async () => 'nobody asks me');
    using failing = instance('silent', () => Promise.reject(new Error('No.')));
    using slow = instance('silent', () => new Promise<string>(() => {}));
    const gone = instance('silent', async () => 'too late');
    gone[Symbol.dispose]();
    for (const { instance } of [failing, slow, gone]) expect(await asker.ask(instance, 'Well?')).toBeNull();
  });
});
