import { once } from 'node:events';
import { WebSocket } from 'ws';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

test('a WebSocket that stops reading costs no memory, and gets the rest merged', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const taken = server.provider.takeCall();
  const { answer } = await jane.ask('A long one');
  const call = await taken;

  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  let events = 0;
  let last = '';
  const complete = new Promise<void>((resolve) =>
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as {
        type: string;
        payload?: { data: { answerStream: { textSoFar?: string } } };
      };
      if (message.type === 'complete') resolve();
      if (message.type !== 'next') return;
      events += 1;
      last = message.payload!.data.answerStream.textSoFar ?? last;
    }),
  );
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${jane.accessToken}` } }));
  await once(socket, 'message');
  // With the whole text in each event, it is much more than the network's buffers take.
  const query = 'subscription ($id: ID!) { answerStream(answerId: $id) { ... on AnswerDelta { textSoFar } } }';
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { id: answer.id } } }));
  call.delta('x');
  await once(socket, 'message');
  socket.pause();

  const witness = jane.follow(answer.id);
  const token = 'x'.repeat(4_000);
  let length = 1;
  for (let i = 0; i < 240; i += 1) {
    call.delta(token);
    length += token.length;
    while (witness.text.length < length) await witness.next();
  }
  FakeProvider.done(call);
  await witness.rest();
  socket.resume();
  await complete;
  expect(last).toHaveLength(length);
  // One for each token would be 241 and the end: the ones that it did not read were never made.
  expect(events).toBeLessThan(240);
  socket.terminate();
});
