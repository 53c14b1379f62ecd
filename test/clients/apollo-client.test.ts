import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createParleyLink, defaultOptions, typePolicies } from '../../client/src/apollo.js';
import {
  AnswerStreamDocument,
  AskQuestionDocument,
  ConversationDocument,
  ConversationsDocument,
  ConversationUpdatesDocument,
  DeleteConversationDocument,
  MessageDocument,
  type ConversationsQuery,
} from '../../client/src/generated/graphql.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';
import { Tab } from './browser-tab.js';

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

test('a list joins its pages, keeps them, begins anew if it must, and leaves out what is deleted', async () => {
  await using server = await TestServer.start();
  using tab = new Tab(server.url);
  await tab.session.register({ email: `${crypto.randomUUID()}@example.com`, password: PASSWORD });
  const device = server.client(await tab.session.token());
  const ids: string[] = [];
  const ask = async (...questions: string[]) => {
    for (const question of questions) ids.unshift((await device.ask(question, { stream: false })).conversation.id);
    // Titles and metadata are updates, too.
    await server.settled();
  };
  const link = createParleyLink(tab.session);
  const client = new ApolloClient({ link, cache: new InMemoryCache({ typePolicies }), defaultOptions });
  const list = client.watchQuery({ query: ConversationsDocument, variables: { first: 2 } });
  const shown = list.subscribe(() => {});
  let updates: { unsubscribe(): void } | undefined;
  const read = () => {
    const { edges, pageInfo } = (list.getCurrentResult().data as ConversationsQuery).conversations;
    return { ids: edges.map(({ node }) => node.id), ...pageInfo };
  };
  const loadMore = () => list.fetchMore({ variables: { after: read().endCursor } });
  try {
    await ask('One', 'Two', 'Three');
    await list.refetch();
    expect(read()).toMatchObject({ ids: ids.slice(0, 2), hasNextPage: true });
    await loadMore();
    await until(() => read().ids.length === 3);
    expect(read()).toMatchObject({ ids, hasNextPage: false });
    await ask('Four');
    await list.refetch();
    await until(() => read().ids[0] === ids[0]);
    expect(read()).toMatchObject({ ids, hasNextPage: false });
    await ask('Five', 'Six', 'Seven');
    await list.refetch();
    await until(() => read().ids[0] === ids[0]);
    expect(read()).toMatchObject({ ids: ids.slice(0, 2), hasNextPage: true });
    for (const length of [4, 6, 7]) {
      await loadMore();
      await until(() => read().ids.length === length);
    }
    expect(read()).toMatchObject({ ids, hasNextPage: false });
    // Deleted elsewhere, and on a page that is not read again; and here.
    const [elsewhere, here] = [ids.splice(5, 1)[0]!, ids.splice(2, 1)[0]!];
    const query = { query: ConversationDocument, variables: { id: elsewhere, last: 10 } };
    await client.query(query);
    let isReady = false;
    updates = client.subscribe({ query: ConversationUpdatesDocument }).subscribe(() => (isReady = true));
    await until(() => isReady);
    await device.request(DeleteConversationDocument, { input: { id: elsewhere } });
    await until(() => read().ids.length === 6);
    const { data } = await client.query({ ...query, fetchPolicy: 'cache-only' });
    expect(data).toEqual({ conversation: null });
    await client.mutate({ mutation: DeleteConversationDocument, variables: { input: { id: here } } });
    await until(() => read().ids.length === 5);
    expect(read().ids).toEqual(ids);
  } finally {
    updates?.unsubscribe();
    shown.unsubscribe();
    client.stop();
    link.close();
  }
});
