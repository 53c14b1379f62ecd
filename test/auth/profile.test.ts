import {
  AccountsDocument,
  DeleteAccountDocument,
  LoginDocument,
  MeDocument,
  StartGuestSessionDocument,
  UpdateProfileDocument,
} from '../../client/src/generated/graphql.js';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { PASSWORD, TestServer } from '../kit/server.js';

describe('profile', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test('updateProfile keeps omitted fields and clears null fields', async () => {
    const jane = await server.user({ name: 'Jane', phone: '+14155550123' });
    const update = async (input: object) => (await jane.request(UpdateProfileDocument, { input })).updateProfile;
    expect(await update({ name: 'Jane Doe' })).toMatchObject({ name: 'Jane Doe', phone: '+14155550123' });
    expect(await update({ phone: null })).toMatchObject({ name: 'Jane Doe', phone: null });
    expect(await update({})).toMatchObject({ name: 'Jane Doe', phone: null });
    expect((await jane.request(MeDocument)).me).toMatchObject({ name: 'Jane Doe', phone: null });
  });

  test.each([
    ['name', ''],
    ['name', '  '],
    ['name', 'a\u0007b'],
    ['name', 'two\nlines'],
    ['phone', 'no number'],
    ['phone', ''],
  ])('updateProfile rejects an invalid %s (%j), names the field and changes nothing', async (field, value) => {
    const jane = await server.user({ name: 'Jane' });
    const [error] = await jane.getErrors(UpdateProfileDocument, { input: { name: 'Other', [field]: value } });
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
    expect((await jane.request(MeDocument)).me).toMatchObject({ name: 'Jane', phone: null });
  });

  test('administrators list all accounts without guests, the newest first', async () => {
    await using server = await TestServer.start({ GUESTS: 'on' });
    const [jane, john, ada] = [await server.user({ name: 'Jane' }), await server.user(), await server.user()];
    await server.anyone.request(StartGuestSessionDocument);
    expect(await jane.getErrorCode(AccountsDocument)).toBe('FORBIDDEN');
    expect(await server.anyone.getErrorCode(AccountsDocument)).toBe('UNAUTHENTICATED');
    await server.em.nativeUpdate(User, { id: ada.id }, { role: Role.ADMIN });
    const disabledAt = new Date();
    await server.em.nativeUpdate(User, { id: john.id }, { disabledAt });
    const { accounts } = await ada.request(AccountsDocument, { first: 2 });
    expect(accounts).toMatchObject({
      totalCount: 3,
      nodes: [
        { id: ada.id, role: 'ADMIN', disabledAt: null },
        { id: john.id, email: john.email, emailVerified: false, disabledAt: disabledAt.toISOString() },
      ],
      pageInfo: { hasNextPage: true },
    });
    const rest = await ada.request(AccountsDocument, { after: accounts.pageInfo.endCursor });
    expect(rest.accounts.nodes).toMatchObject([{ id: jane.id, name: 'Jane' }]);
    expect(rest.accounts.pageInfo.hasNextPage).toBe(false);
  });

  test('deleteAccount requires the password, deletes all data and stops answers in progress', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const { conversation } = await jane.ask('Remember this', { stream: false });
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('And this', { conversationId: conversation.id });
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('Well');
    await follower.until('Well');
    const aborted = new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));

    const rejected = await jane.getErrors(DeleteAccountDocument, { input: { password: 'wrong' } });
    expect(rejected[0]!.extensions).toMatchObject({
      code: 'UNAUTHENTICATED',
      fields: { password: expect.any(String) },
    });
    expect(await jane.request(DeleteAccountDocument, { input: { password: PASSWORD } })).toEqual({
      deleteAccount: true,
    });

    await aborted;
    await expect(follower.rest()).rejects.toMatchObject({ code: 4403 });
    expect(await jane.getErrorCode(MeDocument)).toBe('UNAUTHENTICATED');
    expect(await server.anyone.getErrorCode(LoginDocument, { input: { email: jane.email, password: PASSWORD } })).toBe(
      'UNAUTHENTICATED',
    );
    for (const table of ['users', 'sessions', 'refresh_tokens', 'conversations', 'messages']) {
      expect([table, await server.count(table)]).toEqual([table, 0]);
    }
    // The email is available again.
    expect((await server.user({ email: jane.email })).id).not.toBe(jane.id);
  });
});
