import { AnswerEngine } from './answering/answer.engine.js';
import { RedisSharedAnswers } from './answering/shared-answers.redis.js';
import { AnswerStore } from './answering/answer.store.js';
import { stopRequested } from './answering/answering.events.js';
import { AnsweringResolver } from './answering/answering.resolver.js';
import { AskService } from './answering/ask.service.js';
import { StopService } from './answering/stop.service.js';
import { FollowService } from './answering/follow.service.js';
import { AccessTokens } from './auth/access-tokens.js';
import { AuthLimits } from './auth/auth-limits.js';
import { accountDeleted, sessionsEnded } from './auth/auth.events.js';
import { AuthResolver } from './auth/auth.resolver.js';
import { Passwords } from './auth/passwords.js';
import { SessionResolver } from './auth/session.resolver.js';
import { SessionService } from './auth/session.service.js';
import { signingSecret } from './auth/signing-secret.js';
import { UserService } from './auth/user.service.js';
import { conversationChanged, ConversationUpdateType } from './conversations/conversation.events.js';
import { ConversationResolver } from './conversations/conversation.resolver.js';
import { ConversationService } from './conversations/conversation.service.js';
import { entities } from './entities.js';
import { Background } from './memory/background.js';
import { instructionsOf } from './memory/instructions.js';
import { MemoryResolver } from './memory/memory.resolver.js';
import { MetadataService } from './memory/metadata.service.js';
import { PromptService } from './memory/prompt.service.js';
import { TitleService } from './memory/title.service.js';
import { UsageService } from './memory/usage.service.js';
import { ConversationUpdatesResolver } from './messages/conversation-updates.resolver.js';
import { ConversationMessagesResolver, MessageResolver } from './messages/message.resolver.js';
import { MessageService } from './messages/message.service.js';
import type { Configuration } from './platform/config/configuration.js';
import { openDatabase, openReserved, type EntityManager, type Orm } from './platform/db/database.js';
import { Connections } from './platform/graphql/connections.js';
import { RequestContext, type RequestOrigin } from './platform/graphql/context.js';
import type { StreamDirectory } from './platform/graphql/stream-directory.js';
import { RedisStreamDirectory } from './platform/graphql/stream-directory.redis.js';
import { Jobs } from './platform/jobs/jobs.js';
import { Disposables } from './platform/lifecycle/disposables.js';
import { rateLimitersInMemory } from './platform/limits/rate-limiter.js';
import { rateLimitersInRedis } from './platform/limits/rate-limiter.redis.js';
import type { ChatModel } from './platform/model/chat-model.js';
import { DEMO_MODEL, startDemoServer } from './platform/model/demo/demo-server.js';
import { MeasuredChatModel } from './platform/model/measured-chat-model.js';
import { OpenAIChatModel } from './platform/model/openai-chat-model.js';
import { MemoryBus, type Bus } from './platform/pubsub/bus.js';
import { RedisBus } from './platform/pubsub/bus.redis.js';
import { RedisConnection } from './platform/redis/connection.redis.js';
import type { Logger } from './platform/telemetry/log.js';
import { Metrics } from './platform/telemetry/metrics.js';
import { ReportsResolver, SalesReportResolver } from './reports/reports.resolver.js';
import { SalesReportService } from './reports/sales-report.service.js';
import type { Resolvers } from './schema.js';

/** Everything that the server is made of. */
export interface Services extends AsyncDisposable {
  orm: Orm;
  /** Null where there is one instance only. */
  redis: RedisConnection | null;
  bus: Bus;
  /** Null likewise. */
  streamDirectory: StreamDirectory | null;
  resolvers: Resolvers;
  connections: Connections;
  sessions: SessionService;
  engine: AnswerEngine;
  following: FollowService;
  background: Background;
  metrics: Metrics;
  contextFor: (origin: RequestOrigin) => RequestContext;
}

/** The composition root: builds in order, and is disposed of in reverse. */
export async function createServices(config: Configuration, log: Logger): Promise<Services> {
  await using opened = new Disposables();

  const orm = await openDatabase(config.database, entities);
  opened.defer(() => orm.close(true));
  const fork = (): EntityManager => orm.em.fork();
  const reserved = await openReserved(orm, config.database, entities);
  if (reserved !== orm) opened.defer(() => reserved.close(true));
  const metrics = new Metrics();
  const model = new MeasuredChatModel(await createModel(config, opened), metrics);

  const redis = config.redis ? opened.use(await RedisConnection.open(config.redis, log)) : null;
  const bus = redis ? new RedisBus(redis) : new MemoryBus();
  const rateLimiters = redis ? rateLimitersInRedis(redis) : rateLimitersInMemory;
  const connections = opened.use(new Connections());
  const jobs = opened.use(new Jobs(log));

  const { auth, rateLimits } = config;
  const accessTokens = new AccessTokens(signingSecret(config), auth.jwtPreviousSecrets, auth.accessTokenLifetime);
  const lifetimes = { refreshToken: auth.refreshTokenLifetime, reuseGrace: auth.refreshReuseGrace };
  const sessions = new SessionService(accessTokens, lifetimes, bus, log);
  const authLimits = new AuthLimits(
    rateLimiters('auth:address', rateLimits.auth),
    rateLimiters('auth:email', rateLimits.auth),
  );
  const users = new UserService(new Passwords(), sessions, authLimits, bus);
  bus.subscribe(sessionsEnded, ({ sessionIds }) => connections.closeSessions(sessionIds));
  jobs.schedule('clean up sessions', '17 * * * *', () => sessions.cleanUp(fork()));
  // A session may end while its connection is being opened, and what others say while Redis is away is not heard.
  jobs.schedule('cut ended sessions', '* * * * *', async () =>
    connections.closeSessions(await sessions.endedOf(fork(), connections.sessionIds)),
  );

  const conversations = new ConversationService(bus);
  const messages = new MessageService();

  const { contextTokens } = config.memory;
  const usage = new UsageService(config.memory.dailyTokenQuota);
  const background = opened.use(new Background());
  const remembering = { fork, model, usage, background, bus, log };
  const prompts = new PromptService(instructionsOf(config.assistant), contextTokens);
  const titles = new TitleService(remembering);
  const metadata = new MetadataService({ ...remembering, contextTokens });

  const store = new AnswerStore(usage);
  const shared = redis
    ? opened.use(new RedisSharedAnswers(redis, (answerIds) => store.running(fork(), answerIds)))
    : null;
  const engine = opened.use(
    new AnswerEngine({ fork, reserved: () => reserved.em.fork(), model, prompts, store, shared, metadata, bus, log }),
  );
  const limiter = rateLimiters('ask', rateLimits.ask);
  const asking = new AskService({ conversations, messages, titles, usage, store, engine, limiter, bus });
  const stopping = new StopService(messages, engine, bus);
  bus.subscribe(stopRequested, ({ answerId }) => engine.stop(answerId));
  bus.subscribe(accountDeleted, ({ userId }) => engine.abandon({ ownerId: userId }));
  bus.subscribe(conversationChanged, ({ type, conversationId }) => {
    if (type === ConversationUpdateType.DELETED) engine.abandon({ conversationId });
  });
  const following = new FollowService(messages, engine, shared, fork);

  metrics.gauge('parley_answers_running', 'Answers that are being generated here.', () => engine.running);
  metrics.gauge('parley_followers', 'Followers of answers, wherever those are generated.', () => following.followers);
  metrics.gauge('parley_connections', 'Open sockets and event streams of signed-in users.', () => connections.size);

  const resolvers = instancesOf([
    new AuthResolver(users),
    new SessionResolver(sessions, users),
    new ConversationResolver(conversations),
    new MessageResolver(messages),
    new ConversationMessagesResolver(messages),
    new ConversationUpdatesResolver(conversations, bus),
    new MemoryResolver(),
    new ReportsResolver(usage),
    new SalesReportResolver(new SalesReportService()),
    new AnsweringResolver(asking, stopping, following, engine),
  ]);
  const contextServices = {
    fork,
    authenticate: sessions.authenticate.bind(sessions),
    resolver: resolvers,
    log,
  };

  const owned = opened.move();
  return {
    orm,
    redis,
    bus,
    streamDirectory: redis && new RedisStreamDirectory(redis),
    resolvers,
    connections,
    sessions,
    engine,
    following,
    background,
    metrics,
    contextFor: (origin) => new RequestContext(origin, contextServices),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

async function createModel(config: Configuration, opened: Disposables): Promise<ChatModel> {
  if (config.provider) return opened.use(new OpenAIChatModel(config.provider));
  const demo = opened.use(await startDemoServer());
  const provider = { apiKey: null, baseUrl: demo.baseUrl, model: DEMO_MODEL, timeout: 60_000, maxRetries: 2 };
  return opened.use(new OpenAIChatModel(provider));
}

function instancesOf(instances: readonly object[]): Resolvers {
  const byClass = new Map(instances.map((instance) => [instance.constructor, instance]));
  return <T extends object>(type: new (...args: never[]) => T): T => {
    const instance = byClass.get(type);
    if (!instance) throw new Error(`No instance serves ${type.name}: add it in services.ts.`);
    return instance as T;
  };
}
