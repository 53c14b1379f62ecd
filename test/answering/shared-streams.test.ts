import { print } from 'graphql';
import { MeDocument, UpdateProfileDocument } from '../../src/client/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { POSTGRES_URL } from '../kit/postgres.js';
import { REDIS_URL } from '../kit/redis.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';
