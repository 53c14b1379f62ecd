import { cacheExchange, Client, fetchExchange, subscriptionExchange } from 'urql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { AnswerStreamDocument, AskQuestionDocument, MessageDocument } from '../../client/src/generated/graphql.js';
import { TestServer } from '../kit/server.js';

test('urql can ask, follow and cache an answer', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const authorization = `Bearer ${jane.accessToken}`;
  const socket = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
  });
  const client = new Client({
    url: `${server.url}/graphql`,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query!, variables }, sink as never) }),
        }),
      }),
    ],
  });
  try {
    const asked = await client.mutation(AskQuestionDocument, { input: { question: 'urql?' } }).toPromise();
    const { answer } = asked.data!.askQuestion;

    let text = '';
    await new Promise<void>((resolve, reject) => {
      const { unsubscribe } = client
        .subscription(AnswerStreamDocument, { answerId: answer.id })
        .subscribe(({ data, error }) => {
          if (error) return reject(error);
          const event = data!.answerStream;
          if (event.__typename === 'AnswerDelta') text = text.slice(0, event.offset) + event.text;
          else setImmediate(() => (unsubscribe(), resolve()));
        });
    });
    expect(text).toBe('You asked: urql?');

    const first = await client.query(MessageDocument, { id: answer.id }).toPromise();
    const cached = await client.query(MessageDocument, { id: answer.id }, { requestPolicy: 'cache-only' }).toPromise();
    expect(cached.data).toEqual(first.data);
    expect(cached.data!.message).toMatchObject({ content: text, status: 'COMPLETED' });
  } finally {
    await socket.dispose();
  }
});

test('urql can follow an answer over HTTP alone', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const client = new Client({
    url: `${server.url}/graphql`,
    preferGetMethod: false,
    fetchSubscriptions: true,
    fetchOptions: { headers: { authorization: `Bearer ${jane.accessToken}` } },
    exchanges: [cacheExchange, fetchExchange],
  });
  const asked = await client.mutation(AskQuestionDocument, { input: { question: 'fetch?' } }).toPromise();
  const { answer } = asked.data!.askQuestion;
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const { unsubscribe } = client
      .subscription(AnswerStreamDocument, { answerId: answer.id })
      .subscribe(({ data, error }) => {
        if (error) return reject(error);
        const event = data!.answerStream;
        if (event.__typename === 'AnswerDelta') text = text.slice(0, event.offset) + event.text;
        else if (event.__typename === 'AnswerFinished') setImmediate(() => (unsubscribe(), resolve()));
      });
  });
  expect(text).toBe('You asked: fetch?');
});
