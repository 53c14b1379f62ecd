/**
 * The usual design for bench:requests and bench:exchange: Apollo Server on Express, type-graphql, graphql-ws, a PubSub and
 * MikroORM, each as its documentation shows it. It has the entities of Parley, and none of its limits.
 */
import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import { createPubSub } from '@graphql-yoga/subscription';
import express from 'express';
import { useServer } from 'graphql-ws/use/ws';
import jwt from 'jsonwebtoken';
import { buildSchema } from 'type-graphql';
import { WebSocketServer } from 'ws';
import { Session } from '../../src/auth/session.entity.js';
import { UsualAnswers } from './usual-answers.js';
import { openUsualDatabase } from './usual-database.js';
import {
  UsualConversationResolver,
  UsualMessageResolver,
  UsualResolver,
  type UsualContext,
} from './usual-resolvers.js';

const orm = await openUsualDatabase(process.env['DATABASE_URL']!);
const pubSub = createPubSub();
const answers = new UsualAnswers(orm, process.env['PROVIDER']!, pubSub);

async function createContext(authorization: string | undefined): Promise<UsualContext> {
  const em = orm.em.fork();
  const claims = jwt.verify(authorization?.slice('Bearer '.length) ?? '', process.env['JWT_SECRET']!) as jwt.JwtPayload;
  const session = await em.findOneOrFail(
    Session,
    { id: claims['sid'] as string, user: claims.sub!, endedAt: null, expiresAt: { $gt: new Date() } },
    { populate: ['user'] },
  );
  return { em, user: session.user.unwrap(), answers };
}

const schema = await buildSchema({
  resolvers: [UsualResolver, UsualConversationResolver, UsualMessageResolver],
  pubSub: pubSub,
});
const apollo = new ApolloServer<UsualContext>({ schema });
await apollo.start();
const app = express();
app.use(
  '/graphql',
  express.json(),
  expressMiddleware(apollo, { context: ({ req }) => createContext(req.headers.authorization) }),
);
const server = createServer(app as never);
useServer(
  {
    schema,
    context: ({ connectionParams }) => createContext(connectionParams?.['authorization'] as string),
  },
  new WebSocketServer({ server, path: '/graphql' }),
);
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
