/**
 * The usual design: Apollo Server, graphql-ws, a PubSub with one publish per token, the iterator of the openai SDK, and
 * `subscribe` of graphql-js, which executes the operation for each event. It has no accounts and no database.
 */
import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { createPubSub } from '@graphql-yoga/subscription';
import { buildSchema, type GraphQLSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import OpenAI from 'openai';
import { WebSocketServer } from 'ws';

type Event =
  { __typename: 'AnswerDelta'; offset: number; text: string } | { __typename: 'AnswerFinished'; content: string };

const client = new OpenAI({ apiKey: 'none', baseURL: process.env['PROVIDER'] });
const pubSub = createPubSub<Record<string, [Event]>>();
const schema: GraphQLSchema = buildSchema(`
  type Query { ok: Boolean }
  type Mutation { ask(id: ID!, question: String!): Boolean }
  union AnswerEvent = AnswerDelta | AnswerFinished
  type AnswerDelta { offset: Int! text: String! }
  type AnswerFinished { content: String! }
  type Subscription { answerStream(answerId: ID!): AnswerEvent! }
`);
schema.getMutationType()!.getFields()['ask']!.resolve = (_root, { id, question }: { id: string; question: string }) => {
  void answer(id, question);
  return true;
};
const subscription = schema.getSubscriptionType()!.getFields()['answerStream']!;
subscription.subscribe = (_root, { answerId }: { answerId: string }) => pubSub.subscribe(answerId);
subscription.resolve = (event: unknown) => event;

async function answer(id: string, question: string): Promise<void> {
  const stream = await client.chat.completions.create({
    model: 'bench',
    stream: true,
    messages: [{ role: 'user', content: question }],
  });
  let content = '';
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta.content;
    if (!text) continue;
    pubSub.publish(id, { __typename: 'AnswerDelta', offset: content.length, text });
    content += text;
  }
  pubSub.publish(id, { __typename: 'AnswerFinished', content });
}

const apollo = new ApolloServer({ schema });
await apollo.start();
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (bytes: Buffer) => (body += bytes.toString()));
  request.on('end', () => {
    const headers = new HeaderMap([['content-type', 'application/json']]);
    const httpGraphQLRequest = { method: 'POST', headers, search: '', body: JSON.parse(body) as unknown };
    void apollo
      .executeHTTPGraphQLRequest({ httpGraphQLRequest, context: () => Promise.resolve({}) })
      .then(({ body: responseBody }) => {
        response.setHeader('content-type', 'application/json');
        response.end(responseBody.kind === 'complete' ? responseBody.string : '');
      });
  });
});
useServer({ schema }, new WebSocketServer({ server, path: '/graphql' }));
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
