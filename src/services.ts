import { AnswerEngine } from './answering/answer.engine.js';
import { AnswerSlots } from './answering/answer-slots.js';
import { RedisSharedSlots } from './answering/answer-slots.redis.js';
import { AnswerStore } from './answering/answer.store.js';
import { AnsweringResolver } from './answering/answering.resolver.js';
import { stopRequested } from './answering/answering.topics.js';
import { moveContent } from './answering/move-content.js';
import { AskService } from './answering/ask.service.js';
import { FollowService } from './answering/follow.service.js';
import { RedisSharedAnswers } from './answering/shared-answers.redis.js';
import { StopService } from './answering/stop.service.js';
import { Toolbox } from './answering/toolbox.js';
import { AccessTokens } from './auth/access-tokens.js';
import { AccountDeletion } from './auth/account-deletion.js';
import { AccountListResolver } from './auth/account-list.resolver.js';
import { AuthResolver } from './auth/auth.resolver.js';
import { accountDeleted, guestClaimed, sessionsEnded, tokensRevoked } from './auth/auth.topics.js';
import { hashAddress } from './auth/client-address.js';
import { createAuthLimits } from './auth/create-auth-limits.js';
import { EmailLinkResolver } from './auth/email-link.resolver.js';
import { EmailLinkService } from './auth/email-link.service.js';
import { GuestService } from './auth/guest.service.js';
import { createLocalKeys, RemoteKeys } from './auth/identity-keys.js';
import { IdentityTokens } from './auth/identity-tokens.js';
import { IdentityResolver } from './auth/identity.resolver.js';
import { IdentityService } from './auth/identity.service.js';
import { MAIL_TEXTS, type MailKind } from './auth/mail-texts.js';
import { NodeResolver } from './auth/node.resolver.js';
import { Outbox } from './auth/outbox.js';
import { Passwords } from './auth/passwords.js';
import { SecurityEventResolver } from './auth/security-event.resolver.js';
import { SecurityEvents } from './auth/security-events.js';
import { SessionResolver } from './auth/session.resolver.js';
import { SessionService } from './auth/session.service.js';
import { loadSigningSecret } from './auth/signing-secret.js';
import { UserService } from './auth/user.service.js';
import { CatalogueTools } from './catalogue/catalogue-tools.js';
import { ProductResolver } from './catalogue/product.resolver.js';
import { ClaimsService } from './catalogue/prices/claims.service.js';
import {
  MessageProductsResolver,
  ProductMentionResolver,
  ShownProductResolver,
} from './catalogue/product-mention.resolver.js';
import { ProductTitles } from './catalogue/product-titles.js';
import { ProductService } from './catalogue/product.service.js';
import { ConversationResolver } from './conversations/conversation.resolver.js';
import { ConversationService } from './conversations/conversation.service.js';
import { conversationChanged, ConversationUpdateType } from './conversations/conversation.topics.js';
import { createPlatform, type Platform } from './create-platform.js';
import { DataExportResolver } from './exports/data-export.resolver.js';
import { DataExportService } from './exports/data-export.service.js';
import { BackgroundTasks } from './memory/background-tasks.js';
import { getInstructions } from './memory/instructions.js';
import { MemoryResolver } from './memory/memory.resolver.js';
import { MetadataService } from './memory/metadata.service.js';
import { OverdueMemory } from './memory/overdue-memory.js';
import { PromptService } from './memory/prompt.service.js';
import { TitleService } from './memory/title.service.js';
import { ConversationUpdatesResolver } from './messages/conversation-updates.resolver.js';
import { ConversationMessagesResolver, MessageResolver } from './messages/message.resolver.js';
import { deleteContent } from './messages/delete-content.js';
import { MessageService } from './messages/message.service.js';
import { ConfigurationError, type Configuration } from './platform/config/configuration.js';
import type { Rate } from './platform/config/rate.js';
import type { Orm } from './platform/db/orm.js';
import { RequestContext, type RequestOrigin } from './platform/graphql/context.js';
import type { NodeFinder } from './platform/graphql/node.js';
import { Disposables } from './platform/lifecycle/disposables.js';
import { MailTemplateError, MailTemplates } from './platform/mail/mail-templates.js';
import { SmtpMailer } from './platform/mail/smtp-mailer.js';
import { TerminalMailer } from './platform/mail/terminal-mailer.js';
import type { Bus } from './platform/pubsub/bus.js';
import type { RedisConnection } from './platform/redis/connection.redis.js';
import type { Logger } from './platform/telemetry/log.js';
import type { Metrics } from './platform/telemetry/metrics.js';
import { createOperatorTools } from './platform/tools/create-tools.js';
import { ToolRunner } from './platform/tools/tool-runner.js';
import type { Tracing } from './platform/telemetry/tracing.js';
import { ReportsResolver, SalesReportResolver, UsageReportResolver } from './reports/reports.resolver.js';
import { SalesReportService } from './reports/sales-report.service.js';
import type { ResolverLookup } from './schema.js';
import type { Connections } from './transport/connections/connections.js';
import { AccountHashes } from './usage/account-hash.js';
import { TokenBudget } from './usage/token-budget.js';
import { TokenLedger } from './usage/token-ledger.js';
import { UsageService } from './usage/usage.service.js';

/** Everything that the server is made of. */
export interface Services extends AsyncDisposable {
  orm: Orm;
  /** Null when there is only one instance. */
  redis: RedisConnection | null;
  bus: Bus;
  resolvers: ResolverLookup;
  connections: Connections;
  sessions: SessionService;
  guests: GuestService;
  /** Null if mails cannot be sent. */
  outbox: Outbox | null;
  engine: AnswerEngine;
  claims: ClaimsService;
  following: FollowService;
  background: BackgroundTasks;
  exports: DataExportService;
  getProviderStatus: Platform['getProviderStatus'];
  inspectProvider: Platform['inspectProvider'];
  metrics: Metrics;
  /** Null unless traces are exported. */
  tracing: Tracing | null;
  createContext: (origin: RequestOrigin) => RequestContext;
}

/** Links to exports that a user may request. */
const MAX_EXPORTS = { limit: 10, window: 3_600_000 };

/** Failed sign-ins of an account that are stored as security events. */
const MAX_STORED_FAILURES = { limit: 20, window: 3_600_000 };

/** The composition root: creates the services in the order of their dependencies, and disposes of them in reverse. */
export async function createServices(config: Configuration, log: Logger): Promise<Services> {
  await using opened = new Disposables();
  const platform = await createPlatform(config, log, opened);
  const secret = loadSigningSecret(config);
  const auth = createAuth(config, secret, platform);
  const usage = createUsage(config, secret, platform);
  const conversations = createConversations(platform);
  const messages = createMessages(conversations, platform);
  const catalogue = createCatalogue(config, platform);
  const memory = createMemory(config, usage, catalogue.products, platform);
  const answering = await createAnswering(
    config,
    { auth, usage, conversations, messages, catalogue, memory },
    platform,
  );
  const reports = createReports(usage);
  const exports = createExports(auth.events, platform);

  const nodes = createNodes([auth.users, conversations.conversations, messages.messages, catalogue.products]);

  const domains = [auth, conversations, messages, memory, answering, reports, catalogue, exports, nodes];
  const resolvers = createResolverLookup(domains.flatMap((domain): readonly object[] => domain.resolvers));
  const contextServices = {
    db: platform.db,
    fork: platform.fork,
    authenticate: auth.sessions.authenticate.bind(auth.sessions),
    hasValidToken: auth.sessions.hasValidToken.bind(auth.sessions),
    resolver: resolvers,
    log,
    maxResultBytes: config.limits.resultBytes,
  };
  const { orm, redis, bus, connections, metrics, tracing, getProviderStatus, inspectProvider } = platform;
  const owned = opened.move();
  return {
    orm,
    redis,
    bus,
    resolvers,
    connections,
    sessions: auth.sessions,
    guests: auth.guests,
    outbox: auth.outbox,
    engine: answering.engine,
    claims: catalogue.claims,
    following: answering.following,
    background: memory.background,
    exports: exports.service,
    getProviderStatus,
    inspectProvider,
    metrics,
    tracing,
    createContext: (origin) => new RequestContext(origin, contextServices),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

function createAuth(config: Configuration, secret: string, platform: Platform) {
  const { fork, bus, rateLimiters, connections, jobs, log } = platform;
  const { jwtPreviousSecrets, accessTokenLifetime, refreshTokenLifetime, refreshReuseGrace } = config.auth;
  const accessTokens = new AccessTokens(secret, jwtPreviousSecrets, accessTokenLifetime);
  const lifetimes = { refreshTokenMs: refreshTokenLifetime, reuseGraceMs: refreshReuseGrace };
  const storedFailures = rateLimiters('auth:stored-failures', MAX_STORED_FAILURES, () => {});
  const events = new SecurityEvents(log, storedFailures);
  const toAddressHash = (userId: string, address: string) => hashAddress(secret, userId, address);
  const sessions = new SessionService(accessTokens, lifetimes, toAddressHash, bus, events);
  const limits = createAuthLimits(config, events, rateLimiters);
  const deletion = new AccountDeletion(sessions, bus, deleteContent);
  const guests = new GuestService({
    sessions,
    limits,
    bus,
    events,
    deletion,
    moveContent: (tx, guestId, userId) => moveContent(tx, bus, guestId, userId),
    isOpen: config.guests !== null,
    retentionMs: config.guestRetention,
  });
  const passwords = new Passwords();
  const outbox = createOutbox(config, platform);
  const emailLinks = new EmailLinkService({
    passwords,
    sessions,
    limits,
    events,
    outbox,
    verification: config.emailVerification,
  });
  const users = new UserService(passwords, sessions, limits, events, guests, deletion, config.registration === 'open');
  const identities = new IdentityService({
    sessions,
    limits,
    events,
    guests,
    tokens: createIdentityTokens(config, platform),
    isOpen: config.registration !== 'closed',
    linksVerified: config.identity?.linksVerified ?? false,
  });

  bus.subscribe(sessionsEnded, ({ sessionIds, afterAnswers }) =>
    afterAnswers ? connections.retireSessions(sessionIds) : connections.closeSessions(sessionIds),
  );
  bus.subscribe(tokensRevoked, (session) => connections.closeRevoked(session));
  jobs.schedule('clean up sessions', '17 * * * *', () => sessions.cleanUp(fork()));
  jobs.schedule('clean up security events', '27 * * * *', () => events.cleanUp(fork()));
  // For sessions that end while their connection is being opened, and events that are lost while Redis is unreachable.
  jobs.schedule('cut ended sessions', '* * * * *', async () => {
    const ids = connections.sessionIds;
    connections.closeOutdated(ids, await sessions.findTokenVersions(fork(), ids));
  });
  jobs.schedule('clean up email tokens', '57 * * * *', () => emailLinks.cleanUp(fork()));
  jobs.schedule('delete idle guests', '47 * * * *', () => guests.cleanUp(fork()));
  const resolvers = [
    new AuthResolver(users, guests),
    new AccountListResolver(users),
    new SessionResolver(sessions, users),
    new SecurityEventResolver(events),
    new EmailLinkResolver(emailLinks),
    new IdentityResolver(identities),
  ];
  return { events, sessions, users, guests, emailLinks, outbox, resolvers };
}

/** Returns null if no identity provider is configured. */
function createIdentityTokens({ identity }: Configuration, { log, opened }: Platform): IdentityTokens | null {
  if (!identity) return null;
  const { keys } = identity;
  const findKey =
    'url' in keys ? opened.use(new RemoteKeys(new URL(keys.url), keys.proxy)).find : createLocalKeys(keys.jwks);
  const { issuer, audience } = identity;
  return new IdentityTokens({ issuer, audience }, findKey, log);
}

/** Returns null if mails cannot be sent. */
function createOutbox({ mail }: Configuration, { fork, jobs, log, opened }: Platform): Outbox | null {
  if (!mail) {
    log.warn(
      'Mail is not configured: users cannot reset their passwords. Set SMTP_URL, MAIL_FROM and APP_URL to enable it.',
    );
    return null;
  }
  const mailer = opened.use(
    mail.smtpUrl === null
      ? new TerminalMailer((text) => void process.stdout.write(text))
      : new SmtpMailer(mail.smtpUrl, mail.from),
  );
  const templates = readTemplates(mail.templatesFolder);
  const outbox = opened.use(new Outbox({ fork, mailer, templates, appUrl: mail.appUrl, log }));
  // For mails whose process has crashed, and those that could not be sent before.
  jobs.schedule('send mails', '* * * * *', async () => outbox.send());
  return outbox;
}

function readTemplates(folder: string | null): MailTemplates<MailKind> {
  try {
    return new MailTemplates(MAIL_TEXTS, folder);
  } catch (error) {
    if (!(error instanceof MailTemplateError)) throw error;
    throw new ConfigurationError([`MAIL_TEMPLATES_FOLDER: ${error.message}`]);
  }
}

function createUsage(
  { memory, guests }: Configuration,
  secret: string,
  { fork, jobs, metrics, log }: Platform,
): UsageService {
  const { dailyTokenQuota: quota, dailyTokenBudget } = memory;
  const budget = dailyTokenBudget === null ? null : new TokenBudget(dailyTokenBudget, metrics, log);
  const ledger = new TokenLedger(new AccountHashes(secret), {
    quota,
    budget,
    guests: guests && { quota: guests.dailyTokens, total: guests.dailyTokensTotal },
  });
  jobs.schedule('clean up daily tokens', '* * * * *', () => ledger.cleanUp(fork()));
  return new UsageService(ledger);
}

function createConversations({ bus }: Platform) {
  const conversations = new ConversationService(bus);
  return { conversations, resolvers: [new ConversationResolver(conversations)] };
}

function createMessages({ conversations }: ReturnType<typeof createConversations>, { bus }: Platform) {
  const messages = new MessageService();
  const resolvers = [
    new MessageResolver(messages),
    new ConversationMessagesResolver(messages),
    new ConversationUpdatesResolver(conversations, messages, bus),
  ];
  return { messages, resolvers };
}

function createMemory(config: Configuration, usage: UsageService, products: ProductService, platform: Platform) {
  const { fork, models, bus, jobs, metrics, log, opened } = platform;
  const { contextTokens } = config.memory;
  const overdue = new OverdueMemory(fork, log);
  jobs.schedule('count conversations without memory', '* * * * *', () => overdue.refresh());
  metrics.gauge(
    'parley_conversations_without_memory',
    'Conversations of the last day whose metadata lacks 20 messages or more, because updates fail.',
    () => overdue.count,
  );
  const background = opened.use(new BackgroundTasks());
  const options = { fork, usage, background, bus, log };
  return {
    background,
    prompts: new PromptService(
      getInstructions(config.assistant),
      contextTokens,
      models.answers,
      config.maxOutputTokens,
    ),
    titles: new TitleService({ ...options, model: models.titles }),
    metadata: new MetadataService({
      ...options,
      model: models.memory,
      overdue,
      contextTokens,
      titles: new ProductTitles(),
    }),
    resolvers: [new MemoryResolver()],
  };
}

interface AnsweringDependencies {
  auth: ReturnType<typeof createAuth>;
  usage: UsageService;
  conversations: ReturnType<typeof createConversations>;
  messages: ReturnType<typeof createMessages>;
  catalogue: ReturnType<typeof createCatalogue>;
  memory: ReturnType<typeof createMemory>;
}

async function createAnswering(config: Configuration, dependencies: AnsweringDependencies, platform: Platform) {
  const { fork, forkReserved, models, redis, bus, rateLimiters, metrics, log, opened } = platform;
  const { conversations } = dependencies.conversations;
  const { messages } = dependencies.messages;
  const { prompts, titles, metadata } = dependencies.memory;
  const { usage } = dependencies;

  const store = new AnswerStore(usage, dependencies.catalogue.claims);
  const listOperatorTools = await createOperatorTools(config.tools, platform);
  const shared = redis
    ? opened.use(new RedisSharedAnswers(redis, (answerIds) => store.findStreaming(fork(), answerIds)))
    : null;
  const engine = opened.use(
    new AnswerEngine({
      fork,
      reserved: forkReserved,
      model: models.answers,
      prompts,
      toolbox: new Toolbox(dependencies.catalogue.tools, listOperatorTools, new ToolRunner(platform)),
      store,
      shared,
      metadata,
      bus,
      metrics,
      log,
    }),
  );
  const slots = new AnswerSlots(config.runningAnswers, redis && opened.use(new RedisSharedSlots(redis)));
  const { emailLinks, events, sessions } = dependencies.auth;
  const limitQuestions = (name: string, limit: string, rate: Rate | null) =>
    rateLimiters(name, rate, (userId) => events.report({ type: 'limit_reached', limit, by: 'user', userId }));
  const limiters = {
    members: limitQuestions('ask', 'RATE_LIMIT_ASK', config.rateLimits.ask),
    guests: config.guests && limitQuestions('guests:ask', 'GUEST_RATE_LIMIT_ASK', config.guests.ask),
  };
  const asking = new AskService({
    conversations,
    messages,
    prompts,
    titles,
    usage,
    store,
    engine,
    slots,
    limiters,
    sessions,
    emailLinks,
    bus,
  });
  const stopping = new StopService(messages, engine, bus);
  const following = new FollowService(messages, engine, shared, platform.db, fork);

  bus.subscribe(stopRequested, ({ answerId, sessionId }) => engine.stop(answerId, sessionId));
  bus.subscribe(guestClaimed, ({ guestId, userId }) => engine.changeOwner(guestId, userId));
  bus.subscribe(accountDeleted, ({ userId }) => {
    engine.abandon({ ownerId: userId });
    platform.schedulePurge();
  });
  bus.subscribe(conversationChanged, ({ type, conversationId }) => {
    if (type !== ConversationUpdateType.DELETED) return;
    engine.abandon({ conversationId });
    platform.schedulePurge();
  });
  metrics.gauge('parley_answers_running', 'Answers that are being generated here.', () => engine.runCount);
  metrics.gauge('parley_followers', 'Followers of answers, wherever those are generated.', () => following.followers);
  return { engine, following, resolvers: [new AnsweringResolver(asking, stopping, following, engine)] };
}

function createCatalogue(config: Configuration, { fork, metrics, log }: Platform) {
  const products = new ProductService();
  const claims = new ClaimsService({
    isOn: config.flagsClaims,
    instructions: getInstructions(config.assistant),
    metrics,
    log,
  });
  const resolvers = [
    new ProductResolver(products),
    new ProductMentionResolver(),
    new ShownProductResolver(),
    new MessageProductsResolver(),
  ];
  return { products, claims, tools: new CatalogueTools(products, fork), resolvers };
}

function createExports(events: SecurityEvents, { fork, rateLimiters, jobs }: Platform) {
  const limiter = rateLimiters('export', MAX_EXPORTS, (userId) =>
    events.report({ type: 'limit_reached', limit: 'exports', by: 'user', userId }),
  );
  const service = new DataExportService(fork, events, limiter);
  jobs.schedule('clean up export links', '37 * * * *', () => service.cleanUp(fork()));
  return { service, resolvers: [new DataExportResolver(service)] };
}

const createReports = (usage: UsageService) => ({
  resolvers: [
    new ReportsResolver(usage),
    new UsageReportResolver(usage),
    new SalesReportResolver(new SalesReportService()),
  ],
});

const createNodes = (finders: readonly NodeFinder[]) => ({ resolvers: [new NodeResolver(finders)] });

function createResolverLookup(instances: readonly object[]): ResolverLookup {
  const byClass = new Map(instances.map((instance) => [instance.constructor, instance]));
  return <T extends object>(type: new (...args: never[]) => T): T => {
    const instance = byClass.get(type);
    if (!instance) throw new Error(`No instance of ${type.name}: add it in services.ts.`);
    return instance as T;
  };
}
