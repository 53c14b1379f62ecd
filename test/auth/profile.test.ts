import {
  DeleteAccountDocument,
  LoginDocument,
  MeDocument,
  UpdateProfileDocument,
} from '../../src/client/generated/graphql.js';
import { PASSWORD, TestServer } from '../kit/server.js';

describe('the account itself', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  test('a field left out stays, and null clears it', async () => {
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
  ])('a bad %s (%j) is refused by name, and nothing changes', async (field, value) => {
    const jane = await server.user({ name: 'Jane' });
    const [error] = await jane.errorsOf(UpdateProfileDocument, { input: { name: 'Other', [field]: value } });
    expect(error!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: { [field]: expect.any(String) } });
    expect((await jane.request(MeDocument)).me).toMatchObject({ name: 'Jane', phone: null });
  });

  test('deleteAccount asks for the password, takes everything with it, and stops answers in progress', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const { conversation } = await jane.ask('Remember this', { stream: false });
    const taken = server.provider.takeCall();
    const { answer } = await jane.ask('And this', { conversationId: conversation.id });
    const call = await taken;
    const follower = jane.follow(answer.id);
    call.delta('Well');
    await follower.until('Well');
    const gone = new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));

    const refused = await jane.errorsOf(DeleteAccountDocument, { input: { password: 'wrong' } });
    expect(refused[0]!.extensions).toMatchObject({ code: 'UNAUTHENTICATED', fields: { password: expect.any(String) } });
    expect(await jane.request(DeleteAccountDocument, { input: { password: PASSWORD } })).toEqual({
      deleteAccount: true,
    });

    await gone;
    await expect(follower.rest()).rejects.toMatchObject({ code: 4403 });
    expect(await jane.codeOf(MeDocument)).toBe('UNAUTHENTICATED');
    expect(await server.anyone.codeOf(LoginDocument, { input: { email: jane.email, password: PASSWORD } })).toBe(
      'UNAUTHENTICATED',
    );
    for (const table of ['users', 'sessions', 'refresh_tokens', 'conversations', 'messages']) {
      expect([table, await server.count(table)]).toEqual([table, 0]);
    }
    // The address is free again.
    expect((await server.user({ email: jane.email })).id).not.toBe(jane.id);
  });
});
