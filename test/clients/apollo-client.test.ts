import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { AnswerStreamDocument, AskQuestionDocument, MessageDocument } from '../../client/src/generated/graphql.js';
import { TestServer } from '../kit/server.js';

test('Apollo Client can ask, follow and cache an answer', async () => {
  await using server = await TestServer.start();
  const jane = await server.user();
  const authorization = `Bearer ${jane.accessToken}`;
  const socket = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
  });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ query }) => {
        const definition = getMainDefinition(query);
        return definition.kind === 'OperationDefinition' && definition.operation === 'subscription';
      },
      new GraphQLWsLink(socket),
      new HttpLink({ uri: `${server.url}/graphql`, headers: { authorization } }),
    ),
  });
  try {
    const asked = await client.mutate({ mutation: AskQuestionDocument, variables: { input: { question: 'Apollo?' } } });
    const { answer } = asked.data!.askQuestion;
    expect(answer.status).toBe('STREAMING');

    let text = '';
    await new Promise<void>((resolve, reject) =>
      client.subscribe({ query: AnswerStreamDocument, variables: { answerId: answer.id } }).subscribe({
        next: ({ data, error }) => {
          if (error) return reject(error);
          const event = data!.answerStream;
          if (event.__typename === 'AnswerDelta') text = text.slice(0, event.offset) + event.text;
        },
        error: reject,
        complete: resolve,
      }),
    );
    expect(text).toBe('You asked: Apollo?');

    // AnswerFinished contains the whole message, so it replaces the message that the mutation cached.
    const fragment = (client.cache.extract() as Record<string, unknown>)[`Message:${answer.id}`];
    expect(fragment).toMatchObject({ content: text, status: 'COMPLETED' });
    const first = await client.query({ query: MessageDocument, variables: { id: answer.id } });
    const cached = await client.query({
      query: MessageDocument,
      variables: { id: answer.id },
      fetchPolicy: 'cache-only',
    });
    expect(cached.data).toEqual(first.data);
    expect(cached.data!.message!.content).toBe(text);
  } finally {
    client.stop();
    await socket.dispose();
  }
});
