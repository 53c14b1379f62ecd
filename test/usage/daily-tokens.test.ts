import {
  AskQuestionDocument,
  DeleteAccountDocument,
  DeleteConversationDocument,
} from '../../client/src/generated/graphql.js';
import { FakeProvider } from '../kit/fake-provider.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

const ask = (question: string) => ({ input: { question } });

/** Answers without titles, so that only answers cost tokens. */
function refuseTitles(server: TestServer): void {
  server.provider.structured = () => {
    throw new Error('no title');
  };
}

/** Returns the tokens of everyone, or of the only account. */
async function readTokens(server: TestServer, account: 'everyone' | 'account') {
  const rows = await server.em.execute<{ spent: string; reserved: string }[]>(
    `select spent, reserved from daily_tokens where account ${account === 'everyone' ? '=' : '<>'} ''`,
  );
  return rows.map(({ spent, reserved }) => ({ spent: Number(spent), reserved: Number(reserved) }))[0];
}

describe('the daily quota', () => {
  test('of 30 questions at once one starts where the first may use up the quota', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '1000' });
    refuseTitles(server);
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) => jane.request(AskQuestionDocument, ask(`Question ${i}`))),
    );
    const refusals = results.filter((result) => result.status === 'rejected');
    expect(refusals).toHaveLength(29);
    for (const { reason } of refusals)
      expect(reason).toMatchObject({
        response: { errors: [{ extensions: { code: 'QUOTA_EXCEEDED', retryAfter: expect.any(Number) } }] },
      });
    expect(await server.count('conversations')).toBe(1);
    // The tokens that the answer did not need are available again.
    FakeProvider.done(await taken);
    await until(async () => (await readTokens(server, 'account'))?.reserved === 0);
    expect(await readTokens(server, 'account')).toEqual({ spent: 18, reserved: 0 });
    await jane.ask('Again', { stream: false });
    expect(await readTokens(server, 'account')).toEqual({ spent: 36, reserved: 0 });
  });

  test('survives the deletion of the account, also for an email in another case', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '15' });
    const jane = await server.user({ email: 'jane@example.com' });
    await jane.ask('First', { stream: false });
    await server.settled();
    await jane.request(DeleteAccountDocument, { input: { password: PASSWORD } });
    const again = await server.user({ email: 'JANE@example.com' });
    expect(await again.getErrorCode(AskQuestionDocument, ask('Second'))).toBe('QUOTA_EXCEEDED');
    const stored = JSON.stringify(await server.em.execute('select * from daily_tokens'));
    expect(stored).not.toMatch(new RegExp(`jane|${jane.id}`, 'i'));
    await (await server.user()).ask('Mine', { stream: false });
  });

  test('counts an answer whose conversation is deleted while it is generated', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '1000000' });
    refuseTitles(server);
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { conversation, answer } = await jane.ask('A question');
    const call = await taken;
    call.delta('One two three');
    await jane.follow(answer.id).until('One two three');
    await jane.request(DeleteConversationDocument, { input: { id: conversation.id } });
    await until(async () => (await readTokens(server, 'account'))?.reserved === 0);
    expect((await readTokens(server, 'account'))!.spent).toBeGreaterThan(20);
    expect(await server.count('token_reservations')).toBe(0);
  });

  test('counts the text of an answer whose instance has failed', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_QUOTA: '1000000' });
    refuseTitles(server);
    const jane = await server.user();
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('A question');
    (await taken).delta('One two three');
    await jane.follow(answer.id).until('One two three');
    // The heartbeat takes over the answer, as if its instance did not exist any more.
    await server.em.execute(
      "update messages set content = 'One two three', lease_owner = 'gone', lease_expires_at = ? where id = ?",
      [new Date(0), answer.id],
    );
    await until(async () => (await readTokens(server, 'account'))?.reserved === 0);
    expect((await readTokens(server, 'account'))!.spent).toBeGreaterThan(3);
    expect(await server.count('token_reservations')).toBe(0);
  });
});

describe('the daily budget', () => {
  const readMetric = async (server: TestServer, name: string): Promise<number> =>
    Number(new RegExp(`^${name} (.*)$`, 'm').exec(await (await fetch(`${server.server.url}/metrics`)).text())?.[1]);

  const findLogged = (server: TestServer, text: string) => server.logged.filter((line) => line.includes(text)).length;

  test('limits all users together, and the log and the metrics show it', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_BUDGET: '40' });
    refuseTitles(server);
    const [jane, john] = [await server.user(), await server.user()];
    await jane.ask('First', { stream: false });
    await john.ask('Second', { stream: false });
    expect(findLogged(server, '80 %')).toBeGreaterThan(0);
    expect(findLogged(server, 'used up')).toBe(0);
    await jane.ask('Third', { stream: false });
    expect(findLogged(server, 'used up')).toBeGreaterThan(0);
    const [error] = await john.getErrors(AskQuestionDocument, ask('Fourth'));
    expect(error!.message).toMatch(/budget/);
    expect(error!.extensions).toMatchObject({ code: 'QUOTA_EXCEEDED', retryAfter: expect.any(Number) });
    expect(await server.count('conversations')).toBe(3);
    expect(await readMetric(server, 'parley_daily_token_budget')).toBe(40);
    expect(await readMetric(server, 'parley_daily_tokens_spent')).toBeGreaterThan(0);
    expect(await readMetric(server, 'parley_daily_tokens_reserved')).toBe(0);
    expect(findLogged(server, '80 %')).toBeLessThanOrEqual(server.instances.length);
  });

  test('of 30 questions at once one starts where the first may use up the budget', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_BUDGET: '1000' });
    refuseTitles(server);
    const users = [await server.user(), await server.user(), await server.user()];
    const taken = server.provider.takeCall();
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) => users[i % 3]!.request(AskQuestionDocument, ask(`Question ${i}`))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    FakeProvider.done(await taken);
  });

  test('titles and metadata count, and stop with the budget', async () => {
    await using server = await TestServer.start({ DAILY_TOKEN_BUDGET: '100000' });
    const jane = await server.user();
    await jane.ask('First', { stream: false });
    await server.settled();
    expect(await readTokens(server, 'everyone')).toEqual({ spent: 128, reserved: 0 });
    // An answer that runs reserves its estimate, which is all that is left of the budget.
    await server.em.execute("update daily_tokens set spent = 99999 where account = ''");
    const taken = server.provider.takeCall();
    const asked = await jane.ask('Second');
    const requests = server.provider.structuredRequests.length;
    FakeProvider.done(await taken);
    await jane.follow(asked.answer.id).rest();
    await server.settled();
    expect(server.provider.structuredRequests).toHaveLength(requests);
    expect(await jane.getErrorCode(AskQuestionDocument, ask('Third'))).toBe('QUOTA_EXCEEDED');
  });
});
