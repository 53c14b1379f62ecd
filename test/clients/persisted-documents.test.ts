import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient, type Client as SocketClient } from 'graphql-ws';
import { cacheExchange, Client, fetchExchange, subscriptionExchange } from 'urql';
import { WebSocket } from 'ws';
import {
  AnswerStreamDocument,
  AskQuestionDocument,
  MeDocument,
  MessageDocument,
} from '../../client/src/generated/graphql.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The HTTP requests of a client, each with or without the text of its document. */
class Requests {
  readonly sent: string[] = [];

  readonly fetch: typeof fetch = async (input, init) => {
    const hasText = /query(=|":)/.test(`${input as string}${(init?.body as string | undefined) ?? ''}`);
    this.sent.push(`${init?.method ?? 'GET'} ${hasText ? 'text' : 'hash'}`);
    return await fetch(input, init);
  };
}

const openSocket = ({ url, accessToken }: ApiClient): SocketClient =>
  createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${accessToken}` },
    retryAttempts: 0,
  });

/** One instance, because each remembers documents for itself. */
async function signIn(server: TestServer): Promise<ApiClient> {
  const { accessToken } = await server.user();
  return server.client(accessToken, server.server.url);
}

const loadManifest = () => JSON.parse(readFileSync('schema/trusted-documents.json', 'utf8')) as { operations: [] };

/** Imported late: it is a CommonJS module that requires Apollo Client, which must be loaded by then. */
const loadPersistedQueryLists = () => import('@apollo/persisted-query-lists');

describe.each(['off', 'only'])('with TRUSTED_DOCUMENTS=%s', (mode) => {
  let server: TestServer;
  let jane: ApiClient;
  let socket: SocketClient;
  beforeEach(async () => {
    server = await TestServer.start({ TRUSTED_DOCUMENTS: mode });
    jane = await signIn(server);
    socket = openSocket(jane);
  });
  afterEach(async () => {
    await socket?.dispose();
    await server?.[Symbol.asyncDispose]();
  });

  /** Where it learns documents, the server knows no hash yet that it is sent; a manifest contains them all. */
  const expectFirst = (sent: string[], hash = 'POST hash', text = 'POST text') =>
    expect(sent).toEqual(mode === 'off' ? [hash, text] : [hash]);

  // The ids at runtime are hashes of a sorted document, which is not the one that the link then sends.
  const idsAtRuntime: [string, null][] = mode === 'only' ? [['ids at runtime', null]] : [];

  test.each([
    ['PersistedQueryLink', { sha256 }] as const,
    ...idsAtRuntime,
    ['PersistedQueryLink with GET', { sha256, useGETForHashedQueries: true }] as const,
  ])('Apollo Client works: %s', async (name, options) => {
    const requests = new Requests();
    const http = new HttpLink({
      uri: `${jane.url}/graphql`,
      fetch: requests.fetch,
      headers: { authorization: `Bearer ${jane.accessToken}` },
    });
    const persisted = new PersistedQueryLink(
      options ?? (await loadPersistedQueryLists()).generatePersistedQueryIdsAtRuntime({ sha256 }),
    );
    const link = ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      persisted.concat(new GraphQLWsLink(socket)),
      persisted.concat(http),
    );
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const asked = await client.mutate({ mutation: AskQuestionDocument, variables: { input: { question: 'Apollo?' } } });
    const { answer } = asked.data!.askQuestion;
    if (name !== 'PersistedQueryLink with GET') expectFirst(requests.sent);
    await new Promise<void>((resolve, reject) =>
      client.subscribe({ query: AnswerStreamDocument, variables: { answerId: answer.id } }).subscribe({
        next: ({ data }) => data?.answerStream.__typename === 'AnswerFinished' && resolve(),
        error: reject,
      }),
    );
    requests.sent.length = 0;
    const read = () =>
      client.query({ query: MessageDocument, variables: { id: answer.id }, fetchPolicy: 'network-only' });
    expect((await read()).data!.message!.content).toBe('You asked: Apollo?');
    if (name === 'PersistedQueryLink') expectFirst(requests.sent);
    requests.sent.length = 0;
    await read();
    expect(requests.sent).toEqual([name.endsWith('GET') ? 'GET hash' : 'POST hash']);
    client.stop();
  });

  test('urql works', async () => {
    const requests = new Requests();
    const client = new Client({
      url: `${jane.url}/graphql`,
      preferGetMethod: false,
      fetch: requests.fetch,
      fetchOptions: { headers: { authorization: `Bearer ${jane.accessToken}` } },
      exchanges: [
        cacheExchange,
        persistedExchange({ enableForMutation: true, enableForSubscriptions: true }),
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: (request) => ({
            subscribe: (sink) => ({
              unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink as never),
            }),
          }),
        }),
      ],
    });
    const asked = await client.mutation(AskQuestionDocument, { input: { question: 'urql?' } }).toPromise();
    expect(asked.error).toBeUndefined();
    expectFirst(requests.sent);
    const { answer } = asked.data!.askQuestion;
    await new Promise<void>((resolve, reject) => {
      const { unsubscribe } = client
        .subscription(AnswerStreamDocument, { answerId: answer.id })
        .subscribe(({ data, error }) => {
          if (error) reject(error);
          else if (data!.answerStream.__typename === 'AnswerFinished') setImmediate(() => (unsubscribe(), resolve()));
        });
    });
    requests.sent.length = 0;
    // A short document: the text of a long one would not fit into the URL of a GET, and urql sends a POST then.
    const read = () => client.query(MeDocument, {}, { requestPolicy: 'network-only' }).toPromise();
    expect((await read()).data!.me.id).toMatch(/./);
    expectFirst(requests.sent, 'GET hash', 'GET text');
    requests.sent.length = 0;
    await read();
    expect(requests.sent).toEqual(['GET hash']);
  });
});

test("Apollo Client's ids from the manifest of the server work", async () => {
  await using server = await TestServer.start({ TRUSTED_DOCUMENTS: 'only' });
  const jane = await signIn(server);
  const requests = new Requests();
  const { generatePersistedQueryIdsFromManifest } = await loadPersistedQueryLists();
  const link = new PersistedQueryLink(generatePersistedQueryIdsFromManifest({ loadManifest })).concat(
    new HttpLink({
      uri: `${jane.url}/graphql`,
      fetch: requests.fetch,
      headers: { authorization: `Bearer ${jane.accessToken}` },
    }),
  );
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const variables = { input: { question: 'Manifest?', stream: false } };
  const { data } = await client.mutate({ mutation: AskQuestionDocument, variables });
  expect(data!.askQuestion.answer).toMatchObject({ __typename: 'Message', content: 'You asked: Manifest?' });
  expect(requests.sent).toEqual(['POST hash']);
  client.stop();
});
