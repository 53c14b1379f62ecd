import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print } from 'graphql';
import { createClient } from 'graphql-sse';
import { RefreshToken } from '../../src/auth/refresh-token.entity.js';
import { Session } from '../../src/auth/session.entity.js';
import {
  AnswerStreamDocument,
  AskQuestionDocument,
  ChangePasswordDocument,
  ConversationDocument,
  ConversationsDocument,
  DeleteAccountDocument,
  LoginDocument,
  LogoutAllDocument,
  LogoutDocument,
  MeDocument,
  MySecurityEventsDocument,
  RefreshTokensDocument,
  RegisterDocument,
  RequestDataExportDocument,
  StartGuestSessionDocument,
  UsageDocument,
} from '../../client/src/generated/graphql.js';
import { entities } from '../../src/entities.js';
import { readConfiguration } from '../../src/platform/config/configuration.js';
import { withMigrator } from '../../src/platform/db/database.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { createDatabase, POSTGRES_URL } from '../kit/postgres.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { openSignedInSocket } from '../kit/signed-in-socket.js';
import { until } from '../kit/until.js';
import type { ApiClient } from '../kit/user.js';

const GUESTS = { GUESTS: 'on', GUEST_SESSIONS_PER_ADDRESS: 'off', GUEST_RATE_LIMIT_ASK: 'off' };

type Guest = ApiClient & { id: string; refreshToken: string };

async function startGuest(server: TestServer): Promise<Guest> {
  const { startGuestSession } = await server.anyone.request(StartGuestSessionDocument);
  const { accessToken, refreshToken, user } = startGuestSession;
  return Object.assign(server.client(accessToken), { id: user.id, refreshToken });
}

let count = 0;
const newEmail = () => `guest-${(count += 1)}-${process.pid}@example.com`;

const register = async (server: TestServer, claim: string, email = newEmail(), password = PASSWORD) =>
  (await server.anyone.request(RegisterDocument, { input: { email, password, claim } })).register;

const idsOf = async (client: ApiClient, search?: string) =>
  (await client.request(ConversationsDocument, { first: 20, search })).conversations.edges.map(({ node }) => node.id);

describe('guests', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start(GUESTS)));
  afterAll(() => server[Symbol.asyncDispose]());

  test('a guest asks, has no email, and sees only what is theirs', async () => {
    const [guest, other] = [await startGuest(server), await startGuest(server)];
    const { conversation } = await guest.ask('Do you have tents?', { stream: false });
    expect((await guest.request(MeDocument)).me).toMatchObject({ role: 'GUEST', email: null, emailVerified: false });
    expect(await idsOf(guest)).toEqual([conversation.id]);
    expect(await idsOf(other)).toEqual([]);
    expect((await other.request(ConversationDocument, { id: conversation.id })).conversation).toBeNull();
  });

  test('a guest exports its data, cannot set a password, and deletes itself without one', async () => {
    const guest = await startGuest(server);
    await guest.ask('Forget me', { stream: false });
    expect((await guest.request(RequestDataExportDocument)).requestDataExport.url).toContain('/exports/');
    expect(await guest.getErrorCode(ChangePasswordDocument, { input: { newPassword: PASSWORD } })).toBe('FORBIDDEN');
    expect((await guest.request(DeleteAccountDocument, { input: {} })).deleteAccount).toBe(true);
    expect(await guest.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    expect(await server.count(`conversations where owner_id = '${guest.id}'`)).toBe(0);
  });

  test('an account with a password is not deleted without it', async () => {
    const jane = await server.user();
    expect(await jane.getErrorCode(DeleteAccountDocument, { input: {} })).toBe('UNAUTHENTICATED');
    expect(await jane.getErrorCode(ChangePasswordDocument, { input: { newPassword: PASSWORD } })).toBe(
      'UNAUTHENTICATED',
    );
    expect((await jane.request(MeDocument)).me.id).toBe(jane.id);
  });

  test.each(['register', 'login'])(
    '%s with a claim takes over conversations, search, usage and request ids',
    async (by) => {
      const guest = await startGuest(server);
      const first = await guest.ask('Where is the zeppelin museum?', { stream: false, requestId: 'first' });
      const email = newEmail();
      if (by === 'login') await server.user({ email });
      await server.settled();
      const input = { email, password: PASSWORD, claim: guest.refreshToken };
      const { accessToken, user } =
        by === 'login'
          ? (await server.anyone.request(LoginDocument, { input })).login
          : (await server.anyone.request(RegisterDocument, { input })).register;
      expect(user).toMatchObject({ email, role: 'USER' });
      const jane = server.client(accessToken);
      const id = first.conversation.id;
      expect(await idsOf(jane)).toEqual([id]);
      expect(await idsOf(jane, 'zeppelin')).toEqual([id]);
      expect(await idsOf(jane, first.answer.content)).toEqual([id]);
      expect((await jane.request(UsageDocument)).usage.answers).toBe(1);
      // The retry of a question that was asked before the claim asks nothing twice.
      const again = await jane.ask('Where is the zeppelin museum?', { stream: false, requestId: 'first' });
      expect(again.answer.id).toBe(first.answer.id);
      expect((await jane.conversation(id)).messages.totalCount).toBe(2);
      await jane.ask('And when is it open?', { stream: false, conversationId: id });
      const events = (await jane.request(MySecurityEventsDocument, { first: 20 })).mySecurityEvents.nodes;
      expect(events.filter(({ type }) => type === 'GUEST_CLAIMED')).toHaveLength(1);
    },
  );

  test('a request id that the account has used stays with its own answer', async () => {
    const guest = await startGuest(server);
    await guest.ask('The question of the guest', { stream: false, requestId: 'same' });
    const jane = await server.user();
    const own = await jane.ask('My question', { stream: false, requestId: 'same' });
    const input = { email: jane.email, password: PASSWORD, claim: guest.refreshToken };
    await server.anyone.request(LoginDocument, { input });
    expect((await jane.ask('My question', { requestId: 'same' })).answer.id).toBe(own.answer.id);
    expect(await idsOf(jane)).toHaveLength(2);
  });

  test('after the claim, all tokens of the guest are dead and its sockets close with 4403', async () => {
    const guest = await startGuest(server);
    const socket = await openSignedInSocket(server.url, guest.accessToken!);
    const { accessToken } = await register(server, guest.refreshToken);
    expect(await socket.closed).toBe(4403);
    expect(await guest.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    expect(await guest.getErrorCode(AskQuestionDocument, { input: { question: 'Still me?' } })).toBe('UNAUTHENTICATED');
    const input = { refreshToken: guest.refreshToken };
    expect(await server.anyone.getErrorCode(RefreshTokensDocument, { input })).toBe('UNAUTHENTICATED');
    expect((await server.anyone.request(LogoutDocument, { input })).logout).toBe(true);
    expect((await server.client(accessToken).request(MeDocument)).me.role).toBe('USER');
  });

  test('an answer in progress goes on: its streams run to their end, then their sockets close', async () => {
    const guest = await startGuest(server);
    const idle = await openSignedInSocket(server.url, guest.accessToken!);
    const taken = server.provider.takeCall();
    const { answer, conversation } = await guest.ask('Tell me a long story');
    const call = await taken;
    call.delta('Once ');
    const follower = guest.follow(answer.id);
    // On the same socket, which therefore stays open when the answer is finished.
    const watching = await guest.watch();
    await follower.until('Once ');
    const sse = createClient({
      url: `${server.url}/graphql/stream`,
      headers: { authorization: `Bearer ${guest.accessToken}` },
      retryAttempts: 0,
    });
    const events = sse.iterate<{ answerStream: { __typename: string } }>({
      query: print(AnswerStreamDocument),
      variables: { answerId: answer.id, offset: 0 },
    });
    await events.next();

    const { accessToken, user } = await register(server, guest.refreshToken);
    expect(await idle.closed).toBe(4403);
    const jane = server.client(accessToken);
    const updates = await jane.watch();
    call.delta('upon a time');
    // The account follows the same answer.
    const own = jane.follow(answer.id);
    await own.until('Once upon a time');
    FakeProvider.done(call);
    await follower.rest();
    expect(follower.finished).toMatchObject({ status: 'COMPLETED', content: 'Once upon a time' });
    let last = '';
    for await (const { data } of events) last = data!.answerStream.__typename;
    expect(last).toBe('AnswerFinished');
    await expect(watching.rest()).rejects.toMatchObject({ code: 4403 });
    await own.rest();
    // The clients of the account receive the update, and the account is charged.
    let update = await updates.next();
    // On another instance, the CREATED of the claim may arrive after READY.
    if (update?.type === 'CREATED') update = await updates.next();
    expect(update).toMatchObject({ type: 'ANSWER_FINISHED', conversationId: conversation.id });
    expect(await server.count(`model_calls where user_id = '${user.id}' and purpose = 'ANSWER'`)).toBe(1);
    sse.dispose();
    await server.settled();
  });

  test('the account stops an answer that the guest asked for, and deleting the account ends it', async () => {
    const [guest, other] = [await startGuest(server), await startGuest(server)];
    const calls = [server.provider.takeCall(), server.provider.takeCall()];
    const { answer } = await guest.ask('First');
    await other.ask('Second');
    const taken = await Promise.all(calls);
    for (const call of taken) call.delta('Begun');
    const jane = server.client((await register(server, guest.refreshToken)).accessToken);
    await jane.follow(answer.id).until('Begun');
    const stop = `mutation ($id: ID!) { stopAnswer(input: { answerId: $id }) { status content } }`;
    expect(await jane.request(stop, { id: answer.id })).toEqual({
      stopAnswer: { status: 'STOPPED', content: 'Begun' },
    });
    const leaving = server.client((await register(server, other.refreshToken)).accessToken);
    await leaving.request(DeleteAccountDocument, { input: { password: PASSWORD } });
    await until(() => server.instances.every(({ services }) => services.engine.runCount === 0));
  });

  test('guests that are idle for longer than the retention period go with their conversations', async () => {
    const [idle, active, claimed] = [await startGuest(server), await startGuest(server), await startGuest(server)];
    for (const guest of [idle, active, claimed]) await guest.ask('Hello', { stream: false });
    await server.settled();
    const { user } = await register(server, claimed.refreshToken);
    const past = new Date(Date.now() - 8 * 86_400_000);
    for (const { id } of [idle, active, claimed]) {
      await server.em.execute('update users set created_at = ? where id = ?', [past, id]);
      await server.em.nativeUpdate(Session, { user: id }, { lastUsedAt: past });
    }
    await server.em.execute('update conversations set updated_at = ? where owner_id = ?', [past, idle.id]);
    await server.server.services.guests.cleanUp(server.em);
    expect(await server.count(`users where id in ('${idle.id}', '${claimed.id}')`)).toBe(0);
    expect(await server.count(`conversations where owner_id = '${idle.id}'`)).toBe(0);
    expect(await server.count(`conversations where owner_id = '${user.id}'`)).toBe(1);
    expect(await idle.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    expect((await active.request(MeDocument)).me.id).toBe(active.id);
  });
});

describe('claims', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start(GUESTS)));
  afterAll(() => server[Symbol.asyncDispose]());

  const registerCode = (claim: string, email = newEmail()) =>
    server.anyone.getErrorCode(RegisterDocument, { input: { email, password: PASSWORD, claim } });
  const loginCode = (email: string, claim: string, password = PASSWORD) =>
    server.anyone.getErrorCode(LoginDocument, { input: { email, password, claim } });

  test('of 20 registrations that claim one guest at once, one succeeds, and the others change nothing', async () => {
    const guest = await startGuest(server);
    const { conversation } = await guest.ask('Whose am I?', { stream: false });
    const emails = Array.from({ length: 20 }, newEmail);
    const outcomes = await Promise.allSettled(emails.map((email) => register(server, guest.refreshToken, email)));
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(won).toHaveLength(1);
    expect(await idsOf(server.client(won[0]!.accessToken))).toEqual([conversation.id]);
    expect(await server.count(`users where email_key in (${emails.map((email) => `'${email}'`).join(', ')})`)).toBe(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ response: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } });
  });

  test.each(['register', 'login'])('20 equal requests to %s at once all sign in to one account', async (by) => {
    const guest = await startGuest(server);
    await guest.ask('Once only', { stream: false });
    const email = newEmail();
    if (by === 'login') await server.user({ email });
    const input = { email, password: PASSWORD, claim: guest.refreshToken };
    const request = async () =>
      by === 'login'
        ? (await server.anyone.request(LoginDocument, { input })).login
        : (await server.anyone.request(RegisterDocument, { input })).register;
    const payloads = await Promise.all(Array.from({ length: 20 }, request));
    expect(new Set(payloads.map(({ user }) => user.id)).size).toBe(1);
    expect(await idsOf(server.client(payloads[7]!.accessToken))).toHaveLength(1);
    // A retry later signs in too.
    const { user } = await request();
    expect(user.id).toBe(payloads[0]!.user.id);
  });

  test('a repeated registration with another password, or with another claim, is EMAIL_TAKEN or refused', async () => {
    const [guest, other] = [await startGuest(server), await startGuest(server)];
    const { user } = await register(server, guest.refreshToken);
    const input = { email: user.email!, password: 'another good passphrase', claim: guest.refreshToken };
    expect(await server.anyone.getErrorCode(RegisterDocument, { input })).toBe('UNAUTHENTICATED');
    expect(await registerCode(other.refreshToken, user.email!)).toBe('EMAIL_TAKEN');
    expect((await other.request(MeDocument)).me.role).toBe('GUEST');
  });

  test('a claim that is unknown, spent, expired, ended, claimed by another account or no guest’s changes nothing', async () => {
    const jane = await server.user();
    const guests = await Promise.all(Array.from({ length: 5 }, () => startGuest(server)));
    const [spent, expired, ended, claimed, stays] = guests as [Guest, Guest, Guest, Guest, Guest];
    for (const guest of guests) await guest.ask('Mine', { stream: false });
    const refresh = async (refreshToken: string) =>
      (await server.anyone.request(RefreshTokensDocument, { input: { refreshToken } })).refreshTokens;
    const alive = await refresh((await refresh(spent.refreshToken)).refreshToken);
    const long = new Date(Date.now() - 60_000);
    await server.em.nativeUpdate(
      RefreshToken,
      { session: { user: spent.id }, spentAt: { $ne: null } },
      { spentAt: long },
    );
    await server.em.nativeUpdate(RefreshToken, { session: { user: expired.id } }, { expiresAt: long });
    await server.anyone.request(LogoutDocument, { input: { refreshToken: ended.refreshToken } });
    await register(server, claimed.refreshToken);
    const member = (await server.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } }))
      .login;

    const claims = ['unknown', '', spent.refreshToken, expired.refreshToken, ended.refreshToken, claimed.refreshToken];
    for (const claim of [...claims, member.refreshToken]) {
      const sessions = await server.count('sessions');
      const email = newEmail();
      expect(await registerCode(claim, email)).toBe('UNAUTHENTICATED');
      expect(await loginCode(jane.email, claim)).toBe('UNAUTHENTICATED');
      expect(await server.count(`users where email_key = '${email}'`)).toBe(0);
      expect(await server.count('sessions')).toBe(sessions);
    }
    expect(await idsOf(jane)).toEqual([]);
    // The sessions that were named are as they were: the spent token has ended nothing.
    expect((await server.client(alive.accessToken).request(MeDocument)).me.id).toBe(spent.id);
    expect((await server.client(member.accessToken).request(MeDocument)).me.id).toBe(jane.id);
    // A wrong password with a valid claim claims nothing.
    expect(await loginCode(jane.email, stays.refreshToken, 'a wrong passphrase')).toBe('UNAUTHENTICATED');
    expect(await idsOf(stays)).toHaveLength(1);
    expect(server.logged.filter((line) => line.includes('claim_rejected')).length).toBeGreaterThanOrEqual(14);
    for (const token of [...claims.slice(2), stays.refreshToken]) expect(server.logged.join('')).not.toContain(token);
  });

  test('a token that was refreshed within the grace period is accepted, and claiming does not use it up', async () => {
    const guest = await startGuest(server);
    await guest.ask('Concurrent tabs', { stream: false });
    const input = { refreshToken: guest.refreshToken };
    await server.anyone.request(RefreshTokensDocument, { input });
    const { accessToken } = await register(server, guest.refreshToken);
    expect(await idsOf(server.client(accessToken))).toHaveLength(1);
  });

  test('what a guest asks while it is being claimed is claimed too, or refused', async () => {
    const guest = await startGuest(server);
    const asking = Array.from({ length: 8 }, (_, i) =>
      guest.ask(`Question ${i}`, { stream: false }).then(
        () => 1,
        () => 0,
      ),
    );
    const { accessToken } = await register(server, guest.refreshToken);
    const accepted = (await Promise.all(asking)).reduce<number>((sum, n) => sum + n, 0);
    await server.settled();
    expect(await server.count(`conversations where owner_id = '${guest.id}'`)).toBe(0);
    // stream: false reads the answer as it was asked for, so an accepted question has an answer.
    expect((await idsOf(server.client(accessToken))).length).toBeGreaterThanOrEqual(accepted);
  });

  test('sessions of the account are not touched, and logoutAll leaves guests alone', async () => {
    const [jane, guest] = [await server.user(), await startGuest(server)];
    await jane.request(LogoutAllDocument);
    expect((await guest.request(MeDocument)).me.role).toBe('GUEST');
  });
});

describe('limits of guests', () => {
  test('with GUESTS=off, which is the default, startGuestSession is FORBIDDEN', async () => {
    await using server = await TestServer.start();
    expect(await server.anyone.getErrorCode(StartGuestSessionDocument)).toBe('FORBIDDEN');
  });

  test('sessions per address and questions per guest are limited, and members are not affected', async () => {
    await using server = await TestServer.start({
      ...GUESTS,
      GUEST_SESSIONS_PER_ADDRESS: '2/1h',
      GUEST_RATE_LIMIT_ASK: '1/1h',
    });
    const [guest, other] = [await startGuest(server), await startGuest(server)];
    expect(await server.anyone.getErrorCode(StartGuestSessionDocument)).toBe('RATE_LIMITED');
    await guest.ask('One', { stream: false });
    expect(await guest.getErrorCode(AskQuestionDocument, { input: { question: 'Two' } })).toBe('RATE_LIMITED');
    await other.ask('One', { stream: false });
    const jane = await server.user();
    for (const question of ['One', 'Two']) await jane.ask(question, { stream: false });
  });

  test('guests spend tokens of their own, each and together; those of members are not touched', async () => {
    await using server = await TestServer.start({
      ...GUESTS,
      GUEST_DAILY_TOKENS: '1',
      GUEST_DAILY_TOKENS_TOTAL: '1000000',
      DAILY_TOKEN_QUOTA: '1000000',
    });
    const [guest, other] = [await startGuest(server), await startGuest(server)];
    await guest.ask('One', { stream: false });
    await server.settled();
    expect(await guest.getErrorCode(AskQuestionDocument, { input: { question: 'Two' } })).toBe('QUOTA_EXCEEDED');
    await other.ask('One', { stream: false });
    // The account that claims the guest starts with all of its own tokens.
    const { accessToken } = await register(server, guest.refreshToken);
    await server.client(accessToken).ask('Two', { stream: false });
    expect(await server.count(`daily_tokens where account = 'guests' and reserved = 0 and spent > 0`)).toBe(1);
  });

  test('when all guests together have used their tokens, members go on', async () => {
    await using server = await TestServer.start({ ...GUESTS, GUEST_DAILY_TOKENS_TOTAL: '1' });
    const [guest, other] = [await startGuest(server), await startGuest(server)];
    await guest.ask('One', { stream: false });
    const [error] = await other.getErrors(AskQuestionDocument, { input: { question: 'Two' } });
    expect(error).toMatchObject({
      extensions: { code: 'QUOTA_EXCEEDED' },
      message: expect.stringContaining('sign in'),
    });
    await (await server.user()).ask('Mine', { stream: false });
  });
});

describe('the migration of guests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-guests-'));
  afterAll(() => rm(folder, { recursive: true }));

  test('can be reverted while there are guests, who cannot sign in then, and applied again', async () => {
    await using database = POSTGRES_URL ? await createDatabase() : null;
    const DATABASE_URL = database?.url ?? `sqlite:${join(folder, 'parley.db')}`;
    const settings = { ...GUESTS, DATABASE_URL, JWT_SECRET: 'x'.repeat(40) };
    const email = newEmail();
    let guest: Guest;
    let conversationId: string;
    {
      await using before = await TestServer.start(settings);
      guest = await startGuest(before);
      await guest.ask('Zeppelin of the guest', { stream: false });
      const claimed = await startGuest(before);
      conversationId = (await claimed.ask('Zeppelin of the account', { stream: false })).conversation.id;
      await register(before, claimed.refreshToken, email);
      await before.settled();
    }
    const configuration = readConfiguration({ DATABASE_URL }).database;
    const reverted = await withMigrator(configuration, entities, (migrator) =>
      migrator.down({ to: 'Migration20261126083000' }),
    );
    expect(reverted.at(-1)?.name).toBe('Migration20261126111655_guests');
    await using after = await TestServer.start(settings);
    expect(await after.client(guest.accessToken).getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    expect(await after.count(`conversations where owner_id = '${guest.id}'`)).toBe(1);
    const { login } = await after.anyone.request(LoginDocument, { input: { email, password: PASSWORD } });
    expect(await idsOf(after.client(login.accessToken), 'zeppelin account')).toEqual([conversationId]);
  });
});
