import { once } from 'node:events';
import { WebSocket } from 'ws';
import { flood, QUEUED } from '../kit/flood.js';
import { getUsedMemory } from '../kit/heap.js';
import { TestServer } from '../kit/server.js';

test('nothing is buffered for a WebSocket that stops reading; later it gets the rest merged', async () => {
  await using server = await TestServer.start({ MAX_OUTPUT_TOKENS: '1000000' });
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
  // Each event has the whole text, so together they exceed the network's buffers.
  const query = 'subscription ($id: ID!) { answerStream(answerId: $id) { ... on AnswerDelta { textSoFar } } }';
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { id: answer.id } } }));
  call.delta('x');
  await once(socket, 'message');
  socket.pause();

  const before = getUsedMemory();
  const length = await flood(call, jane.follow(answer.id), 1);
  expect(getUsedMemory() - before).toBeLessThan(QUEUED / 2);
  socket.resume();
  await complete;
  expect(last).toHaveLength(length);
  // One event for each token would be 241 and the end; those that it did not read were never created.
  expect(events).toBeLessThan(240);
  socket.terminate();
});
